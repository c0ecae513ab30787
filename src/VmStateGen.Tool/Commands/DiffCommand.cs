using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using VmStateGen.Tool.Diffing;
using VmStateGen.Tool.Inspection;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate diff</c>: what two streams do not have in common.</summary>
internal static class DiffCommand
{
    public static Command Create()
    {
        var first = new Argument<string>("A") { Description = StreamInput.Help };
        var second = new Argument<string>("B") { Description = "the other one" };
        var pages = new Option<bool>("--pages") { Description = "say which pages of RAM differ" };
        var ignore = new Option<string[]>("--ignore")
        {
            Description = "leave out fields by DEVICE/path, blocks by ram/BLOCK, sections by name: * is any characters, ? is one; may be repeated",
            HelpName = "PATTERN",
        };
        var json = new Option<bool>("--json") { Description = "as JSON" };
        var noTrailer = new Option<bool>("--no-trailer") { Description = "the machine sends no trailer (suppress-vmdesc): a stream without one is whole" };
        var command = new Command("diff", """
            Compare two streams, field by field and page by page. Sections are matched by name and instance, wherever they stand; RAM by block, in
            whatever form either stream has it.

            Ends with 0 if they are the same, 1 if they differ or one is damaged.

            Examples:
              vmstate diff before.mig after.mig
              vmstate diff before.mig after.mig --pages --ignore 'timer/*' --ignore 'ram/*vram'
              vmstate diff 7.2.mig 10.0.mig --json
            """) { first, second, pages, ignore, json, noTrailer };
        command.SetAction(arguments => ToolCommand.Run(arguments, output => Run(
            output, arguments.GetRequiredValue(first), arguments.GetRequiredValue(second), arguments.GetValue(ignore) ?? [],
            arguments.GetValue(pages), arguments.GetValue(json), arguments.GetValue(noTrailer))));
        return command;
    }

    private static int Run(ToolOutput output, string a, string b, IReadOnlyList<string> ignore, bool hasPages, bool isJson, bool mayLackTrailer)
    {
        if (a == StreamInput.StandardInput && b == StreamInput.StandardInput)
        {
            output.Problem("only one of A and B can be standard input");
            return ExitCodes.Usage;
        }
        var options = new InspectionOptions(KeepsImage: true, MayLackTrailer: mayLackTrailer);
        // Pages are looked at in an order that a pipe does not have.
        using Stream streamA = SeekableInput.Open(a, Path.Combine(Path.GetTempPath(), "vmstate"));
        using Stream streamB = SeekableInput.Open(b, Path.Combine(Path.GetTempPath(), "vmstate"));
        StreamReport left = Inspect(output, a, streamA, options);
        StreamReport right = Inspect(output, b, streamB, options);
        try
        {
            List<StreamProblem> problems = [.. left.Problems.Concat(right.Problems)];
            DiffReport? report = null;
            if (problems.Count == 0)
            {
                using ProgressLine? progress = output.Progress(left.Ram?.Blocks.Sum(block => block.Block.UsedLength) ?? 0);
                report = StreamDiffer.Compare(left, right, ignore, progress);
            }
            if (isJson)
                DiffJson.Write(output.Writer, report, left.Source, right.Source, hasPages, problems);
            else if (report != null)
                DiffText.Write(output, report, left.Source, right.Source, hasPages);
            foreach (StreamReport damaged in new[] { left, right })
            {
                foreach (StreamProblem problem in damaged.Problems)
                    output.Problem($"{damaged.Source}: {problem.Message}");
            }
            return report?.IsSame == true ? ExitCodes.Done : ExitCodes.Found;
        }
        finally
        {
            left.Image?.Dispose();
            right.Image?.Dispose();
        }
    }

    private static StreamReport Inspect(ToolOutput output, string path, Stream stream, InspectionOptions options)
    {
        using ProgressLine? progress = output.Progress(stream.Length);
        return StreamInspector.Inspect(StreamInput.Name(path), stream, options, progress);
    }
}
