using System;
using System.Buffers.Binary;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>A command between sections (qemu-migration.md §1.6).</summary>
/// <param name="Id">Which.</param>
/// <param name="Payload">Its payload as on the wire, at most 65,535 bytes.</param>
/// <param name="PackageOffset">Offset in the stream of a package's first byte; 0 for every other command.</param>
/// <param name="PackageLength">Bytes of the package that follows the payload of <see cref="QemuCommandId.Packaged"/>; 0 for every other command.</param>
public sealed record QemuCommand(QemuCommandId Id, ReadOnlyMemory<byte> Payload, long PackageOffset = 0, long PackageLength = 0)
{
    /// <summary>The smallest payload that QEMU accepts, and the largest.</summary>
    private static (int Min, int Max) PayloadSize(QemuCommandId id) => id switch
    {
        QemuCommandId.Ping or QemuCommandId.Packaged => (4, 4),
        QemuCommandId.PostcopyAdvise => (0, 16),
        QemuCommandId.PostcopyRamDiscard => (1 + 1 + 1 + 1 + 16, ushort.MaxValue),
        QemuCommandId.RecvBitmap => (1 + 1, 1 + 255),
        _ => (0, 0),
    };

    /// <summary>The value of a PING; <see langword="null"/> of every other command.</summary>
    public uint? Value => Id == QemuCommandId.Ping ? BinaryPrimitives.ReadUInt32BigEndian(Payload.Span) : null;

    /// <summary>The page sizes of a postcopy advice: all block page sizes or-ed together, and the target page size, in bytes.</summary>
    public (ulong Blocks, ulong Target)? AdvisedPageSizes =>
        Id == QemuCommandId.PostcopyAdvise && Payload.Length == 16
            ? (BinaryPrimitives.ReadUInt64BigEndian(Payload.Span), BinaryPrimitives.ReadUInt64BigEndian(Payload.Span[8..]))
            : null;

    /// <summary>Reads what follows the COMMAND byte, up to but not into a package.</summary>
    internal static QemuCommand Read(StreamCursor cursor)
    {
        var start = cursor.Position;
        var number = cursor.ReadUInt16("command");
        var id = (QemuCommandId)number;
        if (id is QemuCommandId.Invalid or > QemuCommandId.SwitchoverStart)
            throw Fault.At("command", $"a command from 1 to {(int)QemuCommandId.SwitchoverStart}", $"{number}", start);
        try
        {
            var length = cursor.ReadUInt16("length");
            var (min, max) = PayloadSize(id);
            if (length < min || length > max || (id == QemuCommandId.PostcopyAdvise && length is not (0 or 16)))
                throw Fault.At("length", min == max ? $"{min} bytes" : $"{min} to {max} bytes", $"{length}", start + 2);
            if (length > cursor.Remaining)
                throw Fault.At("payload", $"{length} bytes", $"the end of the stream after {cursor.Remaining}", cursor.Position);
            var payload = new byte[length];
            cursor.Read(payload, "payload");
            if (id != QemuCommandId.Packaged)
                return new QemuCommand(id, payload);
            return new QemuCommand(id, payload, cursor.Position, BinaryPrimitives.ReadUInt32BigEndian(payload));
        }
        catch (VmStateException e) when (e.Within($"command {id}"))
        {
            throw;
        }
    }

    /// <summary>Whether there is such a command with a payload of that many bytes.</summary>
    internal static bool IsPayload(QemuCommandId id, int length)
    {
        var (min, max) = PayloadSize(id);
        return id is not (QemuCommandId.Invalid or > QemuCommandId.SwitchoverStart)
            && length >= min && length <= max && (id != QemuCommandId.PostcopyAdvise || length is 0 or 16);
    }

    internal static void CheckPayload(QemuCommandId id, int length)
    {
        var (min, max) = PayloadSize(id);
        if (id is QemuCommandId.Invalid or > QemuCommandId.SwitchoverStart)
            throw new ArgumentOutOfRangeException(nameof(id), id, "There is no such command.");
        if (length < min || length > max)
            throw new ArgumentException($"The payload of {id} has {min} to {max} bytes, not {length}.", nameof(length));
    }
}
