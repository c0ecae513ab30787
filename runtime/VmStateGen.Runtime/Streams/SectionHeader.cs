namespace VmStateGen.Runtime.Streams;

/// <summary>Which part of a section's life the bytes are: QEMU's four section types.</summary>
public enum SectionKind
{
    /// <summary>The first bytes of an iterative section (RAM: the block list).</summary>
    Start,

    /// <summary>One iteration of it, while the guest may still run.</summary>
    Part,

    /// <summary>Its last iteration, with the guest stopped.</summary>
    End,

    /// <summary>All of a section at once: what every device has.</summary>
    Full,
}

/// <summary>What every framing tells about a section before its data.</summary>
/// <param name="Kind">Which part of the section follows.</param>
/// <param name="Id">Number of the section in this stream; a Part and an End carry nothing else on the wire.</param>
/// <param name="Name">QEMU's idstr, 1 to 255 printable ASCII characters, such as <c>ram</c> or <c>0000:00:03.0/e1000</c>.</param>
/// <param name="InstanceId">Tells sections of one name apart.</param>
/// <param name="Version">Version of the section's encoding, as the source wrote it.</param>
public readonly record struct SectionHeader(SectionKind Kind, uint Id, string Name, uint InstanceId, uint Version)
{
    /// <inheritdoc/>
    public override string ToString() => InstanceId == 0 ? Name : $"{Name}#{InstanceId}";
}
