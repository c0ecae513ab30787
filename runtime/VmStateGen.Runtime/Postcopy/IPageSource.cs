using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>Where missing pages come from: a peer over the return path, a snapshot file, or what the caller has.</summary>
/// <remarks>
/// It answers with <see cref="Pager.TryPlace"/> or <see cref="Pager.TryPlaceZero"/>, from any thread, whenever it can, also before
/// <see cref="Request"/> returns. It may place pages that nobody asked for.
/// </remarks>
public interface IPageSource
{
    /// <summary>
    /// Asks for a page that somebody waits for: once, until <see cref="Pager.RequestAgain"/>. On the pager's thread, which serves nobody meanwhile:
    /// a source that has to wait hands it on. It must not touch guest RAM. An exception ends the pager (<see cref="Pager.Failure"/>).
    /// </summary>
    /// <param name="block">The block.</param>
    /// <param name="offset">Bytes from its start, a multiple of <paramref name="length"/>.</param>
    /// <param name="length">Bytes of the block's unit (<see cref="Pager.UnitOf"/>), all of which must be placed in one call.</param>
    void Request(RamBlock block, long offset, int length);
}
