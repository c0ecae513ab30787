namespace VmStateGen.Runtime.Linux;

/// <summary>What madvise(2) is told; the values are the kernel's.</summary>
internal enum MemoryAdvice
{
    /// <summary>MADV_DONTNEED: the pages are given back. Private memory reads as zeros (or as its file) afterwards.</summary>
    DontNeed = 4,

    /// <summary>MADV_REMOVE: the pages of shared memory and what is behind them in the file are given back.</summary>
    Remove = 9,

    /// <summary>MADV_DONTFORK: a child process does not get the range, and a fork does not copy its page tables.</summary>
    DontFork = 10,

    /// <summary>MADV_HUGEPAGE.</summary>
    HugePage = 14,

    /// <summary>MADV_NOHUGEPAGE.</summary>
    NoHugePage = 15,

    /// <summary>MADV_POPULATE_READ (5.14): maps every page for reading.</summary>
    PopulateRead = 22,

    /// <summary>MADV_POPULATE_WRITE (5.14): maps every page for writing, contents unchanged.</summary>
    PopulateWrite = 23,
}
