using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Inspection;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate extract</c>: the bytes of one section, or the contents of one RAM block, as a file.</summary>
internal static class ExtractCommand
{
    private const int CopyChunk = 64 * 1024;

    public static Command Create()
    {
        var stream = new Argument<string>("STREAM") { Description = StreamInput.Help };
        var device = new Option<string?>("--device") { Description = "this section's data: i8254, 0000:00:03.0/e1000 or e1000, i8259#1", HelpName = "NAME" };
        var ram = new Option<string?>("--ram") { Description = "this block's contents: pc.ram", HelpName = "BLOCK" };
        var target = new Option<string>("--output", "-o") { Description = "the file to write; - is standard output", HelpName = "FILE", Required = true };
        var missing = new Option<bool>("--missing-as-zero") { Description = "take pages of which the stream says nothing for zeros" };
        var command = new Command("extract", """
            Write the data of one device's section, as it is in the stream, or the contents of a RAM block, as the guest would see them.

            Pages of zeros become holes in the file. A stream that comes through a pipe is kept in a file beside FILE for --ram.

            Examples:
              vmstate extract guest.mig --device i8254 -o pit.bin
              vmstate extract guest.mig --ram pc.ram -o ram.bin
            """) { stream, device, ram, target, missing };
        command.Validators.Add(result =>
        {
            if (result.GetResult(device) is null == result.GetResult(ram) is null)
                result.AddError("Either --device or --ram is needed, and not both.");
        });
        command.SetAction(arguments => ToolCommand.Run(arguments, output =>
        {
            string path = arguments.GetRequiredValue(stream);
            string file = arguments.GetRequiredValue(target);
            return arguments.GetValue(ram) is { } block
                ? ExtractRam(output, path, block, file, arguments.GetValue(missing))
                : ExtractDevice(output, path, arguments.GetValue(device)!, file);
        }));
        return command;
    }

    private static int ExtractDevice(ToolOutput output, string path, string name, string target)
    {
        using Stream stream = StreamInput.Open(path);
        var reader = new QemuStreamReader(stream);
        var names = new List<string>();
        byte[]? found = null;
        string foundName = "";
        while (reader.ReadSection())
        {
            SectionHeader section = reader.Section;
            if (section.Kind is not SectionKind.Full)
                continue;
            names.Add(section.ToString());
            if (!StreamInspector.IsMeant(name, section))
                continue;
            if (found != null)
            {
                output.Problem($"{StreamInput.Name(path)}: {name} may be {foundName} or {section}");
                return ExitCodes.Found;
            }
            found = reader.ReadAllData();
            foundName = section.ToString();
            if (foundName == name)
                break;
        }
        if (found == null)
        {
            output.Problem($"{StreamInput.Name(path)}: there is no section {name}; there are {string.Join(", ", names)}");
            return ExitCodes.Found;
        }
        using OutputFile file = OutputFile.Create(target);
        file.Stream.Write(found);
        file.Commit();
        return ExitCodes.Done;
    }

    private static int ExtractRam(ToolOutput output, string path, string name, string target, bool allowMissing)
    {
        using Stream stream = SeekableInput.Open(path, target);
        using ProgressLine? progress = output.Progress(stream.Length);
        using RamImage? image = RamImage.Read(stream, progress: progress);
        if (image?.FindBlock(name) is not { } block)
        {
            output.Problem($"{StreamInput.Name(path)}: there is no RAM block {name}; there are {string.Join(", ", image?.Blocks.Select(b => b.Name) ?? [])}");
            return ExitCodes.Found;
        }
        image.CheckWhole(block, allowMissing);
        using OutputFile file = OutputFile.Create(target);
        Write(image, block, file);
        file.Commit();
        return ExitCodes.Done;
    }

    private static void Write(RamImage image, RamBlockEntry block, OutputFile file)
    {
        int pagesAtOnce = Math.Max(1, CopyChunk / image.PageSize);
        var chunk = new byte[pagesAtOnce * image.PageSize];
        long count = image.PageCount(block);
        for (long first = 0; first < count; first += pagesAtOnce)
        {
            int pages = (int)Math.Min(pagesAtOnce, count - first);
            bool isZero = true;
            for (int i = 0; i < pages; i++)
                isZero &= image.ReadPage(block, first + i, chunk.AsSpan(i * image.PageSize, image.PageSize)) != RamPageState.Normal;
            // The last piece is written in any case: it makes the file as long as the block.
            if (isZero && file.HasHoles && first + pages < count)
                file.Stream.Seek((long)pages * image.PageSize, SeekOrigin.Current);
            else
                file.Stream.Write(chunk, 0, pages * image.PageSize);
        }
    }
}
