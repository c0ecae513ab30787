namespace VmStateGen.Runtime.Ram;

/// <summary>What is behind a block's memory.</summary>
public enum RamBacking
{
    /// <summary>Anonymous private memory.</summary>
    Anonymous,

    /// <summary>
    /// A file that lives in memory and has no path (memfd): another process can map it when it is handed the descriptor. Best shared: a
    /// private mapping takes up to twice the memory, for each page that it writes has one in the file behind it.
    /// </summary>
    MemoryFile,

    /// <summary>A file with a path, on any file system that can be mapped. On hugetlbfs its pages are that mount's.</summary>
    File,

    /// <summary>Huge pages of the host, reserved beforehand (hugetlb), without a mount or path.</summary>
    HugePages,
}

/// <summary>How a block is made. The defaults are a private anonymous block with transparent huge pages.</summary>
public sealed record RamBlockOptions
{
    /// <summary>What is behind the memory.</summary>
    public RamBacking Backing { get; init; }

    /// <summary>Bytes that the block can grow to, a multiple of its page size; 0 for its length. Address space, not memory.</summary>
    public long MaxLength { get; init; }

    /// <summary>
    /// Whether writes reach the file and its other mappings. Other processes that write then need a dirty tracker that sees them. Not for
    /// <see cref="RamBacking.Anonymous"/>, which nobody else could map: use <see cref="RamBacking.MemoryFile"/>.
    /// </summary>
    public bool IsShared { get; init; }

    /// <summary>
    /// Who writes it besides the runtime. A migration is refused while the machine's tracker is blind to one of them
    /// (<see cref="DirtyTracking.IDirtyTracker.Sees"/>).
    /// </summary>
    public RamWriters Writers { get; init; } = RamWriters.Runtime;

    /// <summary>Whether a migration moves the block. One that is not is set up by the destination, as a ROM that is loaded from a file.</summary>
    public bool IsMigratable { get; init; } = true;

    /// <summary>
    /// Whether the kernel is asked for transparent huge pages (MADV_HUGEPAGE). First touch of fresh memory is then some three times faster,
    /// and half of a migration into fresh memory is first touches. No error where the kernel has none.
    /// </summary>
    public bool UseTransparentHugePages { get; init; } = true;

    /// <summary>Bytes of a page of <see cref="RamBacking.HugePages"/>, a power of two that the host has.</summary>
    public long HugePageSize { get; init; } = 2 << 20;

    /// <summary>Path of <see cref="RamBacking.File"/>. The file is made if it is not there, and grown if it is too short; never shortened or deleted.</summary>
    public string? Path { get; init; }

    /// <summary>Where in the file the block begins: bytes, a multiple of the page size.</summary>
    public long FileOffset { get; init; }
}
