using System;
using System.Collections.Generic;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.DirtyTracking;

/// <summary>
/// The kernel's page tables: pages are write-protected, the first write to each lifts the protection without a handler (userfaultfd WP_ASYNC),
/// and PAGEMAP_SCAN tells which were lifted and protects them again. Linux 6.7; no privilege.
/// </summary>
/// <remarks>
/// <para>Sees everything that is written through the block's own mapping: threads of this process, system calls, KVM's vCPUs. A first
/// write to a page after each scan costs a fault of about 1 µs.</para>
/// <para>Blind to other mappings of the block's file and to write(2) to it, to hardware with pinned pages, and to memory that is given back
/// by anybody but <see cref="GuestMemory.Discard"/>. A file on a disk cannot be tracked; anonymous memory, memory files, tmpfs and huge pages can.</para>
/// </remarks>
public sealed class PagemapTracker : IDirtyTracker
{
    /// <summary>Whether this kernel has it, and lets this process. Asked once.</summary>
    public static bool IsSupported { get; } = Probe();

    /// <inheritdoc/>
    public string Name => "PAGEMAP_SCAN";

    /// <inheritdoc/>
    public RamWriters Sees(RamBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        return IsSupported && CanProtect(block) ? RamWriters.Runtime | RamWriters.Process | RamWriters.Kvm : RamWriters.None;
    }

    /// <inheritdoc/>
    public IDirtyTracking Start(GuestMemory memory, IReadOnlyList<RamBlock> blocks)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(blocks);
        return new Tracking(blocks);
    }

    private static bool Probe()
    {
        if (!OperatingSystem.IsLinux())
            return false;
        try
        {
            using var protection = new AsyncWriteProtection();
            using var scan = new PagemapScan();
            var page = Environment.SystemPageSize;
            using var mapping = SafeMapping.Anonymous(page, page);
            protection.TryRegister(mapping, 0, page);
            scan.TakeWritten(mapping, 0, page, 0, static (_, _, _) => { });
            return true;
        }
        catch (Exception e) when (e is SystemCallException or PlatformNotSupportedException)
        {
            return false;
        }
    }

    /// <summary>What kind of memory the kernel can protect it says only when it is asked to.</summary>
    private static bool CanProtect(RamBlock block)
    {
        if (block.Backing != RamBacking.File)
            return true;
        using var protection = new AsyncWriteProtection();
        try
        {
            return protection.TryRegister(block.Mapping, 0, block.PageSize);
        }
        catch (SystemCallException)
        {
            // It can, if somebody else has it.
            return true;
        }
    }

    private sealed class Tracking : IDirtyTracking
    {
        private readonly AsyncWriteProtection protection = new();
        private readonly PagemapScan scan = new();
        private readonly List<RamBlock> tracked = [];

        public Tracking(IReadOnlyList<RamBlock> blocks)
        {
            try
            {
                foreach (var block in blocks)
                {
                    // One that it cannot protect is another tracker's matter: it says so in Sees.
                    if (!protection.TryRegister(block.Mapping, 0, block.UsedLength))
                        continue;
                    tracked.Add(block);
                    scan.TakeWritten(block.Mapping, 0, block.UsedLength, 0, static (_, _, _) => { });
                }
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public void Collect(RamBlock block, DirtyBitmap into)
        {
            if (tracked.Contains(block))
                scan.TakeWritten(block.Mapping, 0, block.UsedLength, into, static (bitmap, offset, length) => bitmap.MarkBytes(offset, length));
        }

        public void Dispose()
        {
            foreach (var block in tracked)
                protection.Unregister(block.Mapping, 0, block.UsedLength);
            scan.Dispose();
            protection.Dispose();
        }
    }
}
