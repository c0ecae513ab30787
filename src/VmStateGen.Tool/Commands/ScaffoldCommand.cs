using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Text;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Inspection;
using VmStateGen.Tool.Rendering;
using VmStateGen.Tool.Scaffolding;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate scaffold</c>: the class of a section, from its trailer.</summary>
internal static class ScaffoldCommand
{
    public static Command Create()
    {
        var stream = new Argument<string>("STREAM") { Description = StreamInput.Help };
        var device = new Option<string>("--device") { Description = "the section: i8254, 0000:00:03.0/e1000 or e1000, i8259#1", HelpName = "NAME", Required = true };
        var space = new Option<string>("--namespace") { Description = "namespace of the classes", HelpName = "NAME", DefaultValueFactory = _ => "Devices" };
        var file = new Option<string?>("--output") { Description = "write to this file instead of standard output", HelpName = "FILE" };
        var command = new Command("scaffold", """
            Write the annotated C# classes of a section from the stream's trailer. They compile, load the section and save the same bytes.

            What one stream cannot tell (when a subsection is sent, which older versions load) is marked "to be decided"; what annotations
            cannot say becomes a byte array, marked "Opaque".

            Examples:
              vmstate scaffold guest.mig --device i8254
              vmstate scaffold guest.mig --device 0000:00:03.0/e1000 --namespace Acme.Devices --output E1000.cs
            """) { stream, device, space, file };
        command.SetAction(arguments => ToolCommand.Run(arguments, output => Run(
            output, arguments.GetRequiredValue(stream), arguments.GetRequiredValue(device), arguments.GetRequiredValue(space), arguments.GetValue(file))));
        return command;
    }

    /// <summary>The classes of one section of a stream.</summary>
    public static ScaffoldedClass Scaffold(SectionData data, string space, string source, string? machine)
    {
        VmDeviceDescription description = data.Description!;
        string name = description.IsOldStyle ? data.Section.Name[(data.Section.Name.LastIndexOf('/') + 1)..] : description.State.Name;
        StateShape shape = ShapeBuilder.Build(description, name, data.Section.Version, data.Bytes!);
        return ScaffoldWriter.Write(shape, space,
            [$"Scaffolded by vmstate from section {data.Section}{(machine == null ? "" : $" of a {machine}")} in {Path.GetFileName(source)}."]);
    }

    private static int Run(ToolOutput output, string path, string device, string space, string? file)
    {
        if (space.Split('.').Any(part => part.Length == 0 || char.IsAsciiDigit(part[0]) || !part.All(c => char.IsLetterOrDigit(c) || c == '_')))
        {
            output.Problem($"--namespace {space}: expected names joined by dots");
            return ExitCodes.Usage;
        }
        StreamReport report;
        using (Stream stream = StreamInput.Open(path))
        {
            using ProgressLine? progress = stream.CanSeek ? output.Progress(stream.Length) : null;
            report = StreamInspector.Inspect(StreamInput.Name(path), stream, new InspectionOptions(device), progress);
        }
        if (report.Problems.Count > 0)
        {
            foreach (StreamProblem problem in report.Problems)
                output.Problem($"{report.Source}: {problem.Message}");
            return ExitCodes.Found;
        }
        List<SectionData> found = report.Parts.Select(part => part.Data).OfType<SectionData>().Where(data => data.Bytes != null).ToList();
        SectionData? exact = found.FirstOrDefault(data => data.Section.ToString() == device) ?? found.FirstOrDefault(data => data.Section.Name == device);
        if (exact == null && found.Count != 1)
        {
            output.Problem(found.Count == 0
                ? $"{report.Source}: there is no section {device}; inspect lists them"
                : $"{report.Source}: several sections {device}: {string.Join(", ", found.Select(data => data.Section))}");
            return ExitCodes.Found;
        }
        exact ??= found[0];
        if (exact.Description == null)
        {
            output.Problem($"{report.Source}: no trailer describes {exact.Section}, so its fields are not known");
            return ExitCodes.Found;
        }
        ScaffoldedClass scaffolded = Scaffold(exact, space, report.Source, report.Configuration?.MachineType);
        if (file is null or OutputFile.StandardOutput)
        {
            output.Writer.Write(scaffolded.Source);
            return ExitCodes.Done;
        }
        using OutputFile result = OutputFile.Create(file);
        result.Stream.Write(Encoding.UTF8.GetBytes(scaffolded.Source));
        result.Commit();
        return ExitCodes.Done;
    }
}
