using System;
using System.IO;
using System.Text;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>How a postcopy is received.</summary>
public sealed class QemuPostcopyReceiveOptions
{
    /// <summary>Says something to the source.</summary>
    public required Action<ReturnPathMessage> Tell { get; init; }

    /// <summary>
    /// Asked when a connection has ended in the middle: gives the next one, on which the source recovers, or nothing if that was not the reason or
    /// there is none.
    /// </summary>
    public required Func<Exception, Stream?> Reconnect { get; init; }
}

/// <content>
/// Postcopy (qemu-migration.md §13.8): no guest runs here, so that no page is asked for and none is waited for. The package is kept for the place
/// where a file has the devices, behind RAM.
/// </content>
public sealed partial class QemuStreamReceiver
{
    private byte[]? package;

    /// <summary>The source has gone over to postcopy: its guest stands still there, and will not run by itself unless it is told that this has failed.</summary>
    public bool IsPostcopy => package != null;

    private bool ObeyPostcopy(in QemuStreamElement element)
    {
        var command = element.Command!;
        if (options.Postcopy is not { } postcopy)
            return false;
        switch (command.Id)
        {
            case QemuCommandId.PostcopyRamDiscard:
                Discard(command, element.Offset);
                return true;
            case QemuCommandId.Packaged:
                TakePackage(command);
                return true;
            case QemuCommandId.RecvBitmap when package != null:
                var name = Encoding.ASCII.GetString(command.Payload.Span[1..]);
                postcopy.Tell(ReturnPathMessage.Received(name, ReceivedOf(Block(name, element.Offset))));
                return true;
            case QemuCommandId.PostcopyResume when package != null:
                postcopy.Tell(ReturnPathMessage.ResumeAcknowledged());
                return true;
            default:
                return false;
        }
    }

    /// <summary>What was sent of these pages is not valid any more: they come again.</summary>
    private void Discard(QemuCommand command, long offset)
    {
        var (name, ranges) = PostcopyPayload.ReadDiscard(command.Payload.Span, offset);
        var block = Block(name, offset);
        var pageSize = reader.Ram!.PageSize;
        foreach (var (start, length) in ranges)
        {
            if (start % (ulong)pageSize != 0 || start > (ulong)block.UsedLength || length > (ulong)block.UsedLength - start)
                throw Fault.At($"command PostcopyRamDiscard › {name}", $"whole pages within its {block.UsedLength} bytes", $"0x{start:x}+0x{length:x}", offset);
            for (var page = (long)start / pageSize; page < (long)(start + length + (ulong)pageSize - 1) / pageSize; page++)
                store!.Statistics.Forget(block, page);
        }
    }

    private void TakePackage(QemuCommand command)
    {
        if (package != null)
            throw Fault.At("command Packaged", "one package", "another", command.PackageOffset);
        if (command.PackageLength > options.Reader.SpoolLimit)
            throw Fault.At("package", $"at most {options.Reader.SpoolLimit} bytes, the most that is kept", $"{command.PackageLength}", command.PackageOffset);
        var bytes = new byte[command.PackageLength];
        for (var done = 0; done < bytes.Length;)
            done += reader.ReadData(bytes.AsSpan(done));
        var (devices, pings) = PostcopyPayload.OpenPackage(bytes, command.PackageOffset);
        package = devices.ToArray();
        foreach (var ping in pings)
            options.Pong?.Invoke(ping);
    }

    /// <summary>The devices, where a file has them.</summary>
    private void FinishPostcopy()
    {
        if (package is null)
            return;
        if (!isRamEnded)
            throw Fault.At("EOF", "the END of RAM before it", "none", reader.Current.Offset);
        writer.WriteElements(package);
        writer.WriteEof();

        // A postcopy has no trailer, and a destination to which the file is sent waits for one (§1.7): it describes nothing.
        writer.WriteTrailer(Encoding.ASCII.GetBytes($$"""{"page_size": {{reader.Ram!.PageSize}}, "devices": []}"""));
    }

    private byte[] ReceivedOf(RamBlockEntry block)
    {
        var pages = block.UsedLength / reader.Ram!.PageSize;
        var bits = new byte[(pages + 63) / 64 * 8];
        for (var page = 0L; page < pages; page++)
        {
            if (store!.Statistics.StateOf(block, page) != RamPageState.Missing)
                bits[page / 8] |= (byte)(1 << (int)(page % 8));
        }
        return bits;
    }

    private RamBlockEntry Block(string name, long offset)
    {
        if (reader.Ram != null)
        {
            foreach (var block in reader.Ram.Blocks)
            {
                if (block.Name == name)
                    return block;
            }
        }
        throw Fault.At("command", "a block of START", $"\"{name}\"", offset);
    }
}
