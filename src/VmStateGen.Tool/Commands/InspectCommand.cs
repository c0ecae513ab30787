using System.CommandLine;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Inspection;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate inspect</c>: what is in a stream.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var stream = new Argument<string>("STREAM") { Description = StreamInput.Help };
        var device = new Option<string?>("--device") { Description = "only this section's fields: i8254, 0000:00:03.0/e1000 or e1000, i8259#1", HelpName = "NAME" };
        var ram = new Option<bool>("--ram") { Description = "RAM in detail: records, payload, and a checksum of each block's contents" };
        var json = new Option<bool>("--json") { Description = "all of it as JSON" };
        var noTrailer = new Option<bool>("--no-trailer") { Description = "the machine sends no trailer (suppress-vmdesc): a stream without one is whole" };
        var command = new Command("inspect", """
            Print what is in a stream: header and machine, every section with its bytes, every field with its value, RAM by block.

            Needs no classes: names, types and sizes come from the stream's own trailer. Without a trailer the ends of sections are guessed, and
            marked so.

            Examples:
              vmstate inspect guest.mig
              vmstate inspect guest.mig --device i8254
              vmstate inspect guest.mig --ram
              cat guest.mig | vmstate inspect - --json
            """) { stream, device, ram, json, noTrailer };
        command.SetAction(arguments => ToolCommand.Run(arguments, output => Run(
            output, arguments.GetRequiredValue(stream), arguments.GetValue(device), arguments.GetValue(ram), arguments.GetValue(json), arguments.GetValue(noTrailer))));
        return command;
    }

    private static int Run(ToolOutput output, string path, string? device, bool hasRam, bool isJson, bool mayLackTrailer)
    {
        StreamReport report;
        using (Stream stream = StreamInput.Open(path))
        {
            // On a terminal it would be seen: what renders without colours resets them.
            if (!output.IsTerminal && stream.CanSeek && stream.Length >= ProgressLine.LongFile)
                RenderWarmup.Start(isJson);
            using ProgressLine? progress = stream.CanSeek ? output.Progress(stream.Length) : null;
            report = StreamInspector.Inspect(StreamInput.Name(path), stream, new InspectionOptions(device, hasRam, MayLackTrailer: mayLackTrailer), progress);
        }
        bool isFound = device == null || report.Parts.Any(part => part.Kind == QemuElementKind.Section && StreamInspector.IsMeant(device, part.Section));
        if (isJson)
            InspectJson.Write(output.Writer, report);
        else if (report.Parts.Count > 0)
            InspectText.Write(output, report, hasOverview: device == null && !hasRam, hasFields: device != null || !hasRam, hasRam);
        foreach (StreamProblem problem in report.Problems)
            output.Problem($"{report.Source}: {problem.Message}");
        if (!isFound && report.Problems.Count == 0)
            output.Problem($"{report.Source}: there is no section {device}; without --device all are listed");
        return report.Problems.Count == 0 && isFound ? ExitCodes.Done : ExitCodes.Found;
    }
}
