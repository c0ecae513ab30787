using System;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>How missing pages are brought.</summary>
public sealed record PagerOptions
{
    public static PagerOptions Default { get; } = new();

    /// <summary>
    /// Whether pages of shared memory are written through a second mapping and then shown (UFFDIO_CONTINUE, minor faults), instead of copied in
    /// by the kernel (UFFDIO_COPY). It also serves pages that another process put into the file. Needs Linux 5.13 for hugetlbfs, 5.14 for
    /// the rest; private memory is copied in any case.
    /// </summary>
    public bool UseMinorFaults { get; init; }

    /// <summary>Told once, on the thread that found out, that no page will come any more, and why. Whoever waits for one goes on waiting.</summary>
    public Action<Exception>? OnFailure { get; init; }

    /// <summary>Told once, on the thread that placed it, that the last page is there.</summary>
    public Action? OnResident { get; init; }
}
