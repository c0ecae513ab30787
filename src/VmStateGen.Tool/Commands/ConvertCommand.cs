using System.CommandLine;
using System.IO;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate convert</c>: the same stream with its RAM in another layout.</summary>
internal static class ConvertCommand
{
    private const string Plain = "plain";
    private const string MappedRam = "mapped-ram";

    public static Command Create()
    {
        var input = new Argument<string>("IN") { Description = StreamInput.Help };
        var target = new Argument<string>("OUT") { Description = "the file to write; - is standard output, for plain only" };
        var to = new Option<string>("--to") { Description = "plain: pages as records in the stream; mapped-ram: each page at its place in the file", HelpName = "LAYOUT", Required = true };
        to.AcceptOnlyFromAmong(Plain, MappedRam);
        var missing = new Option<bool>("--missing-as-zero") { Description = "take pages of which the stream says nothing (free page hinting) for zeros" };
        var command = new Command("convert", """
            Write a stream again with its RAM in another layout. QEMU 9.0 and newer load both, older ones plain only.

            In the output each page is there once: what was sent again, as a difference (XBZRLE) or compressed is resolved. Devices are copied
            byte for byte. A stream that comes through a pipe is kept in a file beside OUT meanwhile.

            Examples:
              vmstate convert guest.mig guest.mapped --to mapped-ram
              vmstate convert guest.mapped - --to plain | ssh host 'cat > guest.mig'
            """) { input, target, to, missing };
        command.SetAction(arguments => ToolCommand.Run(arguments, output => Run(
            output,
            arguments.GetRequiredValue(input),
            arguments.GetRequiredValue(target),
            arguments.GetRequiredValue(to) == Plain ? RamLayout.Plain : RamLayout.MappedRam,
            arguments.GetValue(missing))));
        return command;
    }

    private static int Run(ToolOutput output, string input, string target, RamLayout layout, bool allowMissing)
    {
        if (layout == RamLayout.MappedRam && target == OutputFile.StandardOutput)
        {
            output.Problem("a mapped-ram file cannot be written to standard output: its pages have places");
            return ExitCodes.Usage;
        }
        using Stream stream = SeekableInput.Open(input, target);
        using OutputFile file = OutputFile.Create(target);
        if (layout == RamLayout.MappedRam && !file.Stream.CanSeek)
        {
            output.Problem($"{target}: a mapped-ram file cannot be written to a pipe: its pages have places");
            return ExitCodes.Usage;
        }
        using ProgressLine? progress = output.Progress(stream.Length);
        QemuStreamConverter.Convert(stream, file.Stream, layout, new QemuConvertOptions { AllowMissingPages = allowMissing }, progress);
        file.Commit();
        return ExitCodes.Done;
    }
}
