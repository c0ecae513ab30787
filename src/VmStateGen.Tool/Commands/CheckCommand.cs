using System.CommandLine;
using System.Linq;
using VmStateGen.Schema;
using VmStateGen.Tool.Checking;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate check</c>: whether what one side writes is loaded by the other.</summary>
internal static class CheckCommand
{
    private const string InputHelp = "a baseline file or the folder of VmState.Shipped.txt and VmState.Unshipped.txt, an assembly, or a dump of qemu-system-* -dump-vmstate";

    public static Command Create()
    {
        var old = new Argument<string>("OLD") { Description = InputHelp };
        var current = new Argument<string>("NEW") { Description = "the same kind of thing" };
        var direction = new Option<string>("--direction")
        {
            Description = "backward: NEW loads what OLD wrote; forward: OLD loads what NEW writes; full: both",
            DefaultValueFactory = _ => "backward",
            HelpName = "DIRECTION",
        };
        direction.AcceptOnlyFromAmong("backward", "forward", "full");
        var format = new Option<string>("--format") { Description = "text, json, sarif, or github (workflow commands)", DefaultValueFactory = _ => "text", HelpName = "FORMAT" };
        format.AcceptOnlyFromAmong("text", "json", "sarif", "github");
        var command = new Command("check", """
            Compare two schemas and print every difference that breaks a migration, with the device and the field.

            A baseline and an assembly may be compared with each other; a dump of QEMU only with another one. Of an assembly nothing is run.
            A folder, or VmState.Unshipped.txt itself, is what it records: Unshipped over Shipped. The formats for programs name the line of a
            baseline file that a finding is about. A line of text begins with the section's key in the file (for QEMU: the device type), then the path of the field.

            Exit codes: 0 nothing breaks (there may be warnings); 1 something does, or an input is damaged; 2 wrong usage; 3 an input
            cannot be opened or read.

            Examples:
              vmstate check VmState.Shipped.txt bin/Release/net10.0/Acme.Devices.dll
              vmstate check VmState.Shipped.txt . --format github
              vmstate check VmState.Shipped.1.2.txt VmState.Shipped.txt --direction full
              vmstate check qemu-7.2.json qemu-10.0.json --format json
            """) { old, current, direction, format };
        command.SetAction(arguments => ToolCommand.Run(arguments, output => Run(output, arguments.GetRequiredValue(old), arguments.GetRequiredValue(current),
            arguments.GetRequiredValue(direction), arguments.GetRequiredValue(format))));
        return command;
    }

    private static int Run(ToolOutput output, string oldPath, string currentPath, string direction, string format)
    {
        CheckInput old, current;
        try
        {
            old = CheckInput.Read(oldPath);
            current = CheckInput.Read(currentPath);
        }
        catch (CheckInputException e)
        {
            output.Problem(e.Message);
            return ExitCodes.Found;
        }
        if (old.Dump is null != current.Dump is null)
        {
            output.Problem($"{(old.Dump is null ? current.Path : old.Path)} is a dump of QEMU, the other one is not");
            return ExitCodes.Usage;
        }
        CompatibilityReport report = Check(old, current, direction switch
        {
            "forward" => CompatibilityDirection.Forward,
            "full" => CompatibilityDirection.Full,
            _ => CompatibilityDirection.Backward,
        });
        switch (format)
        {
            case "json":
                CheckJson.Write(output.Writer, report);
                break;
            case "sarif":
                CheckSarif.Write(output.Writer, report, new FindingPlaces(old, current));
                break;
            case "github":
                CheckText.WriteWorkflow(output.Writer, report, new FindingPlaces(old, current));
                break;
            default:
                CheckText.Write(output.Writer, report);
                break;
        }
        return report.HasErrors ? ExitCodes.Found : ExitCodes.Done;
    }

    private static CompatibilityReport Check(CheckInput old, CheckInput current, CompatibilityDirection direction)
    {
        if (old.Dump is not null)
            return QemuDumpChecker.Compare(old.Dump, current.Dump!, direction);
        CompatibilityReport report = CompatibilityChecker.Compare([new Baseline(old.Release, old.Schemas!)], current.Schemas!, direction);
        return new CompatibilityReport(SchemaChecks.Check(current.Schemas!).Concat(report.Findings).ToEquatableArray());
    }
}
