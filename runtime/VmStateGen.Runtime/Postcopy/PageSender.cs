using System;
using System.Buffers.Binary;
using System.Linq;
using System.Text;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>
/// Writes the pages of a run to a channel, in one write: on the main channel as a PART, on the preempt channel bare (qemu-migration.md §13.3,
/// §13.6). Each channel goes on with its own last block.
/// </summary>
/// <remarks>For one thread at a time.</remarks>
internal sealed class PageSender
{
    private const int MostOfRecord = 8 + 1 + RamBlock.MaxNameLength + 1;
    private const int Around = 1 + 4 + 8 + 1 + 4;

    private readonly Channel channel;
    private readonly UnsentPages unsent;
    private readonly IPageReader pages;
    private readonly PostcopySection? section;
    private readonly byte[] scratch;
    private readonly byte[] buffer;
    private int length;
    private int lastBlock = -1;

    /// <param name="channel">Where to.</param>
    /// <param name="unsent">The blocks.</param>
    /// <param name="pages">What is in them.</param>
    /// <param name="section">The RAM section, in whose PARTs pages go; <see langword="null"/> for a preempt channel.</param>
    /// <param name="batch">Bytes of pages in one write, but for a unit that is larger.</param>
    public PageSender(Channel channel, UnsentPages unsent, IPageReader pages, PostcopySection? section, int batch)
    {
        this.channel = channel;
        this.unsent = unsent;
        this.pages = pages;
        this.section = section;
        batch = Math.Max(batch, unsent.Blocks.Max(static block => block.UnitSize));
        scratch = new byte[batch];
        buffer = new byte[batch + Around + batch / unsent.PageSize * MostOfRecord];
    }

    /// <summary>Pages of the guest that went as they are.</summary>
    public long NormalPages { get; private set; }

    /// <summary>Pages of the guest that were zeros.</summary>
    public long ZeroPages { get; private set; }

    /// <summary>Sends the pages of a run, which the caller has taken.</summary>
    /// <returns>Bytes on the wire.</returns>
    public int Send(in UnitRun run)
    {
        var block = unsent.Blocks[run.Block];
        var offset = run.First * block.UnitSize;
        var bytes = scratch.AsSpan(0, run.Count * block.UnitSize);

        // A run is of one kind: what is known to be zeros is not read, which could make it be there.
        var hasContents = unsent.HasContents(run.Block, run.First);
        if (hasContents)
            pages.Read(run.Block, offset, bytes);
        Begin(QemuWire.SectionPart);
        for (var at = 0; at < bytes.Length; at += unsent.PageSize)
        {
            var page = bytes.Slice(at, unsent.PageSize);
            if (hasContents && !ZeroPage.IsZero(page))
                Append(run.Block, offset + at, page);
            else
                AppendZero(run.Block, offset + at);
        }
        return End();
    }

    /// <summary>Nothing more comes: of the RAM section its END, of the preempt channel the mark without which 7.2 never ends (§13.6).</summary>
    public void Finish()
    {
        Begin(QemuWire.SectionEnd);
        End();
    }

    private void Begin(byte type)
    {
        length = 0;
        if (section is null)
            return;
        buffer[length++] = type;
        Append32(section.Id);
    }

    private int End()
    {
        // Between two pages of the preempt channel there is nothing; at its end there is the mark.
        if (section != null || length == 0)
            Append64((ulong)RamFlags.EndOfSection);
        if (section is { HasFooters: true })
        {
            buffer[length++] = QemuWire.SectionFooter;
            Append32(section.Id);
        }
        channel.Write(buffer.AsSpan(0, length));
        return length;
    }

    private void Append(int block, long offset, ReadOnlySpan<byte> page)
    {
        AppendHeader(block, offset, RamFlags.Page);
        page.CopyTo(buffer.AsSpan(length));
        length += page.Length;
        NormalPages++;
    }

    private void AppendZero(int block, long offset)
    {
        AppendHeader(block, offset, RamFlags.Zero);
        buffer[length++] = 0;
        ZeroPages++;
    }

    private void AppendHeader(int block, long offset, RamFlags flags)
    {
        Append64((ulong)offset | (ulong)(block == lastBlock ? flags | RamFlags.Continue : flags));
        if (block == lastBlock)
            return;
        var name = unsent.Blocks[block].Name;
        buffer[length++] = (byte)name.Length;
        length += Encoding.ASCII.GetBytes(name, buffer.AsSpan(length));
        lastBlock = block;
    }

    private void Append32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(length), value);
        length += 4;
    }

    private void Append64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(buffer.AsSpan(length), value);
        length += 8;
    }
}

/// <summary>The RAM section whose START was sent.</summary>
/// <param name="Id">Its id.</param>
/// <param name="HasFooters">Whether sections have footers.</param>
internal sealed record PostcopySection(uint Id, bool HasFooters = true);
