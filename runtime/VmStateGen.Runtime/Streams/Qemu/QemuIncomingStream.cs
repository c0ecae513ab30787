using System;
using System.IO;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Channels;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Reads QEMU's stream from a live connection, for whoever has the objects that know how long their state is: it never waits for a byte that
/// the element at hand does not have (qemu-migration.md §1). <see cref="QemuStreamReader"/> is for those who have no such objects: it must find
/// out where a section ends before it can hand it out, and keeps what it takes to, which is why it is not built on this one. What is
/// around the sections both take from <see cref="SectionFraming"/>.
/// </summary>
/// <remarks>
/// The data of a section is taken from <see cref="Cursor"/> or <see cref="OpenState"/>, all of it, before the next <see cref="Read"/>. Faults are
/// as the other reader's. For one thread at a time.
/// </remarks>
internal sealed class QemuIncomingStream
{
    private readonly SectionFraming framing;
    private readonly IDescriptorStream? descriptors;
    private SectionHeader? open;

    public QemuIncomingStream(Stream stream)
    {
        Cursor = new StreamCursor(new PipeSource(stream, 0), 0, long.MaxValue);
        framing = new SectionFraming(Cursor);
        descriptors = stream as IDescriptorStream;
    }

    /// <summary>Goes on with the sections of another stream: in a package of it, or on a new connection after a break.</summary>
    public QemuIncomingStream(Stream stream, QemuIncomingStream before)
    {
        Cursor = new StreamCursor(new PipeSource(stream, 0), 0, long.MaxValue);
        framing = new SectionFraming(Cursor, before.framing);
    }

    /// <summary>At the data of the current section.</summary>
    public StreamCursor Cursor { get; }

    /// <summary>Magic, version, and the configuration if there is one.</summary>
    public QemuConfiguration? ReadPreamble()
    {
        SectionFraming.ReadMagic(Cursor);
        if (Cursor.PeekByte() != QemuWire.Configuration)
            return null;
        Cursor.Skip(1, "configuration");
        try
        {
            return QemuConfiguration.Read(Cursor, null);
        }
        catch (VmStateException e) when (e.Within("configuration"))
        {
            throw;
        }
    }

    /// <summary>The next section, command or EOF; of a section that went before the footer is checked.</summary>
    public QemuStreamElement Read()
    {
        FinishSection();
        var start = Cursor.Position;
        var type = Cursor.ReadByte("element");
        if (type == QemuWire.Eof)
            return new QemuStreamElement(QemuElementKind.Eof, start, Cursor.Position);
        if (type == QemuWire.Command)
        {
            var command = QemuCommand.Read(Cursor);
            return new QemuStreamElement(QemuElementKind.Command, start, Cursor.Position, Command: command);
        }
        open = framing.ReadHeader(type, start);
        return new QemuStreamElement(QemuElementKind.Section, start, Cursor.Position, open.Value);
    }

    /// <summary>Checks the footer of the current section, all of whose data was taken. <see cref="Read"/> does it, if nobody has.</summary>
    public void FinishSection()
    {
        if (open is { } section)
            ReadFooter(section);
        open = null;
    }

    /// <summary>What follows EOF, up to the end of the connection or of the trailer, is of no use to a machine that has its state.</summary>
    public void SkipTrailer()
    {
        if (Cursor.PeekByte() != QemuWire.VmDescription)
            return;
        Cursor.Skip(1, "vmdescription");
        for (var left = (long)Cursor.ReadUInt32("vmdescription"); left > 0;)
        {
            var piece = (int)Math.Min(left, 4096);
            Cursor.Peek(piece, "vmdescription");
            Cursor.Skip(piece, "vmdescription");
            left -= piece;
        }
    }

    /// <summary>The current section's data, for a device: what the device does not take stays.</summary>
    public VmStateInput OpenState() => new CursorInput(Cursor, descriptors);

    private void ReadFooter(SectionHeader section)
    {
        try
        {
            framing.ReadFooter(section);
        }
        catch (VmStateException e) when (e.InDevice(section.ToString()))
        {
            throw;
        }
    }

    private sealed class CursorInput(StreamCursor cursor, IDescriptorStream? descriptors) : VmStateInput
    {
        public override ReadOnlySpan<byte> Advance(int consumed, int size)
        {
            cursor.Skip(consumed, "state");
            return cursor.PeekBuffered(size);
        }

        public override SafeFileHandle? TakeDescriptor() => descriptors?.TakeDescriptor();
    }
}
