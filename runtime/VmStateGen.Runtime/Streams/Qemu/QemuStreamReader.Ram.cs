using System;
using System.Runtime.CompilerServices;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>The RAM section, whose records the reader parses itself (qemu-migration.md §5).</summary>
public sealed partial class QemuStreamReader
{
    /// <summary>Whether the current element is a section of RAM's pages, of which <see cref="ReadRamRecord"/> tells.</summary>
    private bool isRamPart;

    private bool IsMapped => Configuration?.HasCapability(QemuConfiguration.MappedRam) ?? false;

    /// <summary>
    /// Reads the next record of the current PART or END of RAM. Take all records before any raw data: what
    /// <see cref="DataLength"/> or <see cref="ReadData"/> had to parse does not come again.
    /// </summary>
    /// <returns><see langword="false"/> after the last record, and in every other element.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool ReadRamRecord(out RamRecord record)
    {
        record = default;
        if (!isRamPart || dataEnd >= 0)
            return false;
        CheckUsable();
        try
        {
            if (Ram!.ReadRecord(cursor, out record))
                return true;
        }
        catch (Exception e) when (Fail(e))
        {
            throw;
        }
        dataEnd = cursor.Position;
        return false;
    }

    /// <summary>
    /// Reads the page of the record that <see cref="ReadRamRecord"/> gave last, as far as it stands for itself: zeros, a plain page
    /// or a compressed one. On a pipe this is the only time.
    /// </summary>
    /// <param name="record">The record.</param>
    /// <param name="page">One page. A difference (<see cref="RamRecordKind.Xbzrle"/>) is applied to what is in it.</param>
    /// <exception cref="VmStateException">The payload is no such page.</exception>
    public void ReadPage(in RamRecord record, Span<byte> page)
    {
        CheckUsable();
        try
        {
            RamPage.Read(cursor, record, page);
        }
        catch (Exception e) when (Fail(e))
        {
            throw;
        }
    }

    private void BeginRam(in SectionHeader section)
    {
        if (section.Version != QemuWire.RamVersion)
            throw Fault.At("version", $"version {QemuWire.RamVersion}", $"version {section.Version}", current.DataOffset - 4);
        if (section.Kind != SectionKind.Start)
            return;
        if (Ram != null)
            throw Fault.At("section", "one START of ram", "another", current.Offset);
        var pageSize = Description?.PageSize ?? (Configuration?.TargetPageBits is { } bits ? 1 << bits : options.DefaultPageSize);
        Ram = new RamSectionReader(new RamSectionFormat(
            pageSize,
            Configuration?.HasCapability(QemuConfiguration.IgnoreShared) ?? false,
            IsMapped,
            advisedPageSizes));
        Ram.ReadSetup(cursor);
        dataEnd = cursor.Position;
    }

    private static bool IsRam(in SectionHeader section) =>
        section.Name == QemuWire.RamName && section.InstanceId == 0 && section.Kind != SectionKind.Full;
}
