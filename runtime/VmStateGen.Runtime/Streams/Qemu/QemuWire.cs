using System;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>The constants of QEMU's stream, version 3 (qemu-migration.md §1, §5).</summary>
public static class QemuWire
{
    /// <summary>"QEVM", the first four bytes.</summary>
    public const uint Magic = 0x5145_564D;

    /// <summary>The only version that any supported QEMU reads or writes.</summary>
    public const uint Version = 3;

    public const byte Eof = 0x00;
    public const byte SectionStart = 0x01;
    public const byte SectionPart = 0x02;
    public const byte SectionEnd = 0x03;
    public const byte SectionFull = 0x04;
    public const byte Subsection = 0x05;
    public const byte VmDescription = 0x06;
    public const byte Configuration = 0x07;
    public const byte Command = 0x08;
    public const byte SectionFooter = 0x7E;

    /// <summary>Name of the RAM section; its instance is 0 and its version <see cref="RamVersion"/>.</summary>
    public const string RamName = "ram";

    /// <summary>The only version of the RAM section (§5.1).</summary>
    public const uint RamVersion = 4;

    /// <summary>Bytes that a subsection adds around its fields: type, length of the name, name, version (§1.4).</summary>
    public static int SubsectionHeaderSize(int nameLength) => 1 + 1 + nameLength + 4;

    internal static SectionKind? KindOf(byte type) => type switch
    {
        SectionStart => SectionKind.Start,
        SectionPart => SectionKind.Part,
        SectionEnd => SectionKind.End,
        SectionFull => SectionKind.Full,
        _ => null,
    };

    internal static byte TypeOf(SectionKind kind) => kind switch
    {
        SectionKind.Start => SectionStart,
        SectionKind.Part => SectionPart,
        SectionKind.End => SectionEnd,
        _ => SectionFull,
    };
}

/// <summary>Ids of the commands between sections (qemu-migration.md §1.6).</summary>
public enum QemuCommandId : ushort
{
    /// <summary>Never sent.</summary>
    Invalid = 0,
    OpenReturnPath = 1,
    Ping = 2,
    PostcopyAdvise = 3,
    PostcopyListen = 4,
    PostcopyRun = 5,
    PostcopyRamDiscard = 6,
    Packaged = 7,
    EnableColo = 8,
    PostcopyResume = 9,
    RecvBitmap = 10,
    SwitchoverStart = 11,
}

/// <summary>Low bits of each 64-bit RAM record header (qemu-migration.md §5.1).</summary>
[Flags]
public enum RamFlags : ulong
{
    None = 0,

    /// <summary>Obsolete.</summary>
    Full = 0x001,
    Zero = 0x002,
    MemSize = 0x004,
    Page = 0x008,
    EndOfSection = 0x010,
    Continue = 0x020,
    Xbzrle = 0x040,

    /// <summary>RDMA registration; never in a file.</summary>
    Hook = 0x080,

    /// <summary>Up to 9.0.</summary>
    CompressPage = 0x100,

    /// <summary>Since 8.1.</summary>
    MultifdFlush = 0x200,

    /// <summary>Every bit that has a meaning.</summary>
    All = 0x3FF,
}
