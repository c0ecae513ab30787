using System;
using System.Collections.Generic;

namespace VmStateGen.Runtime.Ram;

/// <summary>
/// The software dirty tracker: notes which pages are written through <see cref="GuestMemory"/>, for one client such as a migration or a display,
/// from <see cref="GuestMemory.StartDirtyLog"/> until it is disposed. Clients do not see each other's clearing.
/// </summary>
/// <remarks>
/// Sees what <see cref="GuestMemory"/> writes, and <see cref="GuestMemory.MarkDirty(RamBlock, long, long)"/>; blind to all else. Any thread.
/// </remarks>
public sealed class DirtyLog : IDisposable
{
    private readonly Dictionary<RamBlock, DirtyBitmap> bitmaps = [];
    private readonly object ending = new();
    private bool isEnded;

    internal DirtyLog(string name, RamBlock[] blocks, int pageSize)
    {
        Name = name;
        foreach (var block in blocks)
        {
            if (bitmaps.ContainsKey(block))
                continue;

            // As long as the used length, which stays as it is while there is a log.
            var bitmap = new DirtyBitmap(block.UsedLength / pageSize, pageSize);
            bitmaps.Add(block, bitmap);
            block.AddDirtyClient(bitmap);
        }
    }

    /// <summary>For people.</summary>
    public string Name { get; }

    /// <summary>The blocks whose pages are noted.</summary>
    public IReadOnlyCollection<RamBlock> Blocks => bitmaps.Keys;

    /// <summary>
    /// The live bitmap of a block: writers set bits, the client takes them with <see cref="DirtyBitmap.CollectInto"/> or
    /// <see cref="DirtyBitmap.TestAndClear"/> before it reads the pages.
    /// </summary>
    /// <exception cref="KeyNotFoundException">The log is not of that block.</exception>
    public DirtyBitmap this[RamBlock block]
        => bitmaps.TryGetValue(block, out var bitmap) ? bitmap : throw new KeyNotFoundException($"The dirty log {Name} is not of {block.Name}.");

    /// <summary>Writes are noted no more. The bitmaps stay as they are for whoever holds them, and go when nobody does.</summary>
    public void Dispose()
    {
        lock (ending)
        {
            if (isEnded)
                return;
            isEnded = true;
            foreach (var (block, bitmap) in bitmaps)
                block.RemoveDirtyClient(bitmap);
        }
    }
}
