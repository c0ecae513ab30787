namespace VmStateGen;

/// <summary>The three forms in which QEMU writes the JSON trailer of a stream (qemu-migration.md §4.1).</summary>
public enum VmDescriptionDialect
{
    /// <summary>7.2: every element of an array that cannot be compressed carries <c>index</c>; a null pointer is of type <c>uint64</c>.</summary>
    Qemu72,

    /// <summary>10.0: as 7.2, but the last element carries no <c>index</c>; a null pointer is of type <c>nullptr</c>.</summary>
    Qemu100,

    /// <summary>11.x: no <c>index</c> at all; a null pointer is of type <c>ptr-marker</c>.</summary>
    Qemu11,
}
