using System;
using System.IO;

namespace VmStateGen.Runtime.Streams.Qemu;

public sealed partial class QemuStreamReader
{
    private QemuStreamReader(QemuStreamReader outer, StreamCursor cursor, bool isPackage = true)
        : this(cursor, outer.options, outer.framing)
    {
        this.isPackage = isPackage;
        isPostcopy = outer.isPostcopy;
        phase = Phase.Elements;
        Configuration = outer.Configuration;
        Ram = outer.Ram;
        advisedPageSizes = outer.advisedPageSizes;
    }

    /// <summary>
    /// A reader of a live postcopy that goes on over another connection, without header (qemu-migration.md §13.7). This one is done with, whatever
    /// has happened to it.
    /// </summary>
    internal QemuStreamReader Continue(Stream next)
    {
        Ram?.ForgetLastBlock();
        return new QemuStreamReader(this, new StreamCursor(new PipeSource(next, options.SpoolLimit), 0, long.MaxValue), isPackage: false);
    }

    /// <summary>
    /// A reader of the elements in the current command's package (qemu-migration.md §1.6); to be done with before this one reads on.
    /// Its offsets are those of the whole stream. What is in a package no trailer describes: its sections are guessed or known to
    /// <see cref="QemuStreamReaderOptions.Bounds"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The current element is no package.</exception>
    /// <exception cref="VmStateException">On a pipe: the package is larger than what may be kept, or cut off.</exception>
    public QemuStreamReader OpenPackage()
    {
        CheckUsable();
        if (current.Command is not { Id: QemuCommandId.Packaged } command || isFinished)
            throw new InvalidOperationException("The current element is no package.");
        var end = command.PackageOffset + command.PackageLength;
        if (!cursor.HoldUntil(end))
            throw Fault.At("package", $"at most {options.SpoolLimit} bytes, the most that is kept of a pipe", $"{command.PackageLength}", command.PackageOffset);
        if (end > cursor.Length)
            throw Fault.At("package", $"{command.PackageLength} bytes", $"the end of the stream after {cursor.Length - command.PackageOffset}", command.PackageOffset);
        return new QemuStreamReader(this, new StreamCursor(cursor.Source, command.PackageOffset, end));
    }
}
