using System;

namespace VmStateGen.Schema;

/// <summary>Baseline text that cannot be read.</summary>
public sealed class SchemaException : FormatException
{
    /// <summary>What is wrong, where.</summary>
    public SchemaException(string problem, int line, int column)
        : base($"line {line}, column {column}: {problem}")
    {
        Problem = problem;
        Line = line;
        Column = column;
    }

    /// <summary>What is wrong, without the place.</summary>
    public string Problem { get; }

    /// <summary>1-based line.</summary>
    public int Line { get; }

    /// <summary>1-based column.</summary>
    public int Column { get; }
}
