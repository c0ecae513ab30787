using System;
using System.Text;
using Microsoft.CodeAnalysis.CSharp;

namespace VmStateGen.Generator.Emit;

/// <summary>C# text with indentation; lines end in \n everywhere, so that the text is the same on every machine.</summary>
internal sealed class SourceWriter
{
    private readonly StringBuilder text = new();
    private int depth;

    public void Line(string line = "")
    {
        if (line.Length > 0)
            text.Append(' ', depth * 4).Append(line);
        text.Append('\n');
    }

    /// <summary>Text that keeps its own lines, as in a raw string literal.</summary>
    public void Verbatim(string lines) => text.Append(lines);

    /// <summary>A block in braces, with a heading unless that is empty.</summary>
    public void Block(string heading, Action body, string end = "}")
    {
        if (heading.Length > 0)
            Line(heading);
        Line("{");
        depth++;
        body();
        depth--;
        Line(end);
    }

    /// <summary>What the action writes, one level deeper.</summary>
    public void Indented(Action body)
    {
        depth++;
        body();
        depth--;
    }

    public override string ToString() => text.ToString();

    /// <summary>A string literal.</summary>
    public static string Quote(string value) => IsPlain(value) ? "\"" + value + "\"" : SymbolDisplay.FormatLiteral(value, quote: true);

    /// <summary>Nothing to escape, as in nearly every name: there are thousands.</summary>
    private static bool IsPlain(string value)
    {
        foreach (char c in value)
        {
            if (c is < ' ' or > '~' or '"' or '\\')
                return false;
        }
        return true;
    }

    /// <summary>A UTF-8 literal.</summary>
    public static string Utf8(string value) => Quote(value) + "u8";
}
