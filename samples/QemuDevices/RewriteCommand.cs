using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Spectre.Console;

namespace QemuDevices;

/// <summary><c>rewrite</c>: the file comes out as it went in, by way of objects.</summary>
internal static class RewriteCommand
{
    public static int Run(
        FileInfo input, FileInfo output, IReadOnlyList<FieldChange> changes, bool strict, TextWriter report, TextWriter errors)
    {
        // Beside the result, so that a failure leaves nothing behind and success is one rename.
        string unfinished = output.FullName + "." + Path.GetRandomFileName();
        try
        {
            IReadOnlyList<SectionReport> sections;
            using (FileStream from = input.OpenRead())
            using (FileStream to = File.Create(unfinished))
                sections = StreamRewriter.Rewrite(from, to, changes);
            Print(sections, report);
            List<SectionReport> misfits = sections.Where(section => section.IsMisfit).ToList();
            if (strict && misfits.Count > 0)
            {
                errors.WriteLine($"{misfits.Count} sections do not fit their class (--strict): {string.Join(", ", misfits.Select(section => section.Name))}");
                return ExitCodes.Found;
            }
            File.Move(unfinished, output.FullName, overwrite: true);
            return ExitCodes.Done;
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    /// <summary>The table of sections.</summary>
    public static void Print(IReadOnlyList<SectionReport> sections, TextWriter report)
    {
        Table table = new Table().Border(TableBorder.Simple)
            .AddColumn("section").AddColumn("bytes", column => column.RightAligned())
            .AddColumn("fields", column => column.RightAligned()).AddColumn("decoded");
        foreach (SectionReport section in sections)
        {
            table.AddRow(
                Markup.Escape(section.Name),
                section.Bytes > 0 ? section.Bytes.ToString(System.Globalization.CultureInfo.InvariantCulture) : "",
                section.Fields?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "",
                section.Fields is not null ? "yes" : section.IsRam ? "page by page" : Markup.Escape("opaque: " + section.Reason));
        }
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(report) });
        // A report that goes into a file or a pipe has no width to respect.
        if (Console.IsOutputRedirected || report != Console.Out)
            console.Profile.Width = 4096;
        console.Write(table);
        int decoded = sections.Count(section => section.Fields is not null);
        int opaque = sections.Count(section => section is { Fields: null, IsRam: false });
        report.WriteLine($"decoded: {decoded}, opaque: {opaque}");
    }
}
