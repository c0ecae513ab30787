namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>What a stream is made of.</summary>
public enum QemuElementKind
{
    /// <summary>Magic and version.</summary>
    Header,

    /// <summary>The configuration section, directly after the header if at all.</summary>
    Configuration,

    /// <summary>START, PART, END or FULL of a section.</summary>
    Section,

    /// <summary>A command.</summary>
    Command,

    /// <summary>The byte that ends the sections.</summary>
    Eof,

    /// <summary>The JSON description after it, the last element.</summary>
    Trailer,
}

/// <summary>One element of a stream.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">Offset of its first byte in the stream.</param>
/// <param name="DataOffset">Offset of its data: what follows type and section header; of a trailer the JSON.</param>
/// <param name="Section">The section, if it is one.</param>
/// <param name="Command">The command, if it is one.</param>
/// <param name="Description">The trailer's description of the section, if there is one.</param>
public readonly record struct QemuStreamElement(
    QemuElementKind Kind,
    long Offset,
    long DataOffset,
    SectionHeader Section = default,
    QemuCommand? Command = null,
    VmDeviceDescription? Description = null)
{
    /// <summary>
    /// Nobody describes the section: its end is where a footer of its id is followed by what can follow a section. Right but for data
    /// that happens to look like that.
    /// </summary>
    public bool IsGuessed { get; init; }
}
