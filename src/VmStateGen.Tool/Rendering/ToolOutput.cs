using System;
using System.IO;
using System.Linq;
using Spectre.Console;

namespace VmStateGen.Tool.Rendering;

/// <summary>Where a command writes: results to one writer, problems and progress to the other.</summary>
internal sealed class ToolOutput
{
    /// <summary>A report that goes into a file or a pipe has no width to respect.</summary>
    private const int Unlimited = 4096;

    private readonly TextWriter errors;
    private readonly Lazy<IAnsiConsole> ansi;

    public ToolOutput(TextWriter output, TextWriter errors)
    {
        Writer = output;
        this.errors = errors;
        bool isProcess = errors == Console.Error;
        IsTerminal = isProcess && !Console.IsOutputRedirected;
        HasProgress = isProcess && !Console.IsErrorRedirected;
        ansi = new Lazy<IAnsiConsole>(CreateAnsi);
    }

    /// <summary>Plain results, such as JSON.</summary>
    public TextWriter Writer { get; }

    /// <summary>Tables and coloured text.</summary>
    public IAnsiConsole Ansi => ansi.Value;

    /// <summary>Results go to somebody who looks.</summary>
    public bool IsTerminal { get; }

    private bool HasProgress { get; }

    /// <summary>Where a line that is written over again and again may go: a terminal, or nowhere.</summary>
    public TextWriter? Status => HasProgress ? errors : null;

    /// <summary>A table in the one style of the tool.</summary>
    public static Table NewTable(params string[] columns)
    {
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns)
        {
            // A leading > is for numbers.
            bool isRight = column.StartsWith('>');
            var header = new TableColumn(Markup.Escape(column.TrimStart('>')));
            if (isRight)
                header.RightAligned();
            table.AddColumn(header.NoWrap());
        }
        return table;
    }

    /// <summary>Says what went wrong.</summary>
    public void Problem(string text)
    {
        Writer.Flush();
        errors.WriteLine($"vmstate: {Safe(text)}");
    }

    /// <summary>A stream's names go to a terminal: nothing in them may act on it.</summary>
    public static string Safe(string text)
    {
        if (!text.Any(char.IsControl))
            return text;
        return string.Create(text.Length, text, static (safe, from) =>
        {
            for (int i = 0; i < safe.Length; i++)
                safe[i] = char.IsControl(from[i]) ? '?' : from[i];
        });
    }

    private IAnsiConsole CreateAnsi()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = IsTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Writer),
        });
        if (!IsTerminal)
            console.Profile.Width = Unlimited;
        return console;
    }

    /// <summary>A progress line for a long file on a terminal; null for everything else.</summary>
    public ProgressLine? Progress(long length) => HasProgress && length >= ProgressLine.LongFile ? new ProgressLine(errors, length) : null;
}

/// <summary>One line that says how far a long file is read, and is gone at the end.</summary>
internal sealed class ProgressLine(TextWriter errors, long length) : IProgress<long>, IDisposable
{
    public const long LongFile = 256L << 20;

    private const long Step = 64L << 20;
    private long next = Step;

    public void Report(long value)
    {
        if (value < next)
            return;
        next = value + Step;
        errors.Write($"\r{100 * value / Math.Max(1, length),3} % of {SizeText.Of(length)} ");
        errors.Flush();
    }

    public void Dispose() => errors.Write("\r\u001b[K");
}
