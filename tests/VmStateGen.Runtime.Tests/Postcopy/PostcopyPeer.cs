using System;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Runtime.Tests.Migration;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>
/// A source of postcopy that does what a test tells it to, right or wrong: QEMU's protocol, step by step (qemu-migration.md §13.2). The machine
/// that it sends stands still.
/// </summary>
internal sealed class PostcopyPeer : IDisposable
{
    public const int Page = 4096;

    private readonly Runtime.Machine machine;
    private readonly object gate = new();
    private readonly RamBlockEntry[] entries;
    private readonly HashSet<(RamBlock, long)> sent = [];
    private readonly List<Thread> threads = [];
    private Channel channel;
    private QemuStreamWriter writer;
    private RamSectionWriter pages;
    private RamBlock? lastRequested;
    private volatile bool isAnswering;

    public PostcopyPeer(Runtime.Machine machine, Channel channel)
    {
        this.machine = machine;
        entries = [.. machine.Memory.Blocks.Select(block => new RamBlockEntry(block.Name, block.UsedLength, block.PageSize == Page ? null : block.PageSize))];
        this.channel = channel;
        writer = new QemuStreamWriter(channel.AsStream());
        pages = new RamSectionWriter(writer, Page);
        Listen();
    }

    /// <summary>All that the destination has said, but for requests.</summary>
    public ConcurrentQueue<ReturnPathMessage> Said { get; } = [];

    /// <summary>All that it has asked for.</summary>
    public ConcurrentQueue<(RamBlock Block, long Offset, long Length)> Requests { get; } = [];

    /// <summary>The second connection, with preempt: what is asked for goes there.</summary>
    public Channel? Preempt { get; set; }

    public IEnumerable<(RamBlock Block, long Offset)> All
        => machine.Memory.Blocks.SelectMany(static block => Enumerable.Range(0, (int)(block.UsedLength / block.PageSize)).Select(unit => (block, unit * block.PageSize)));

    public IEnumerable<(RamBlock Block, long Offset)> Unsent
    {
        get
        {
            lock (gate)
                return [.. All.Where(page => !sent.Contains(page))];
        }
    }

    public bool HasSaid(ReturnPathMessage message) => Said.Any(said => said.ToString() == message.ToString());

    /// <summary>Header to START.</summary>
    public void Begin(uint? blockSizes = null, bool withReturnPath = true, bool withAdvice = true)
    {
        writer.WriteHeader();
        writer.WriteConfiguration(new QemuConfiguration(machine.Type, []));
        if (withReturnPath)
            writer.WriteCommand(QemuCommandId.OpenReturnPath);
        Ping(1);
        if (withAdvice)
        {
            var advice = new byte[16];
            BinaryPrimitives.WriteUInt64BigEndian(advice, blockSizes ?? (uint)machine.Memory.Blocks.Aggregate(0L, static (all, block) => all | block.PageSize));
            BinaryPrimitives.WriteUInt64BigEndian(advice.AsSpan(8), Page);
            writer.WriteCommand(QemuCommandId.PostcopyAdvise, advice);
        }
        var ram = machine.Sections[0];
        writer.BeginSection(ram.Header(SectionKind.Start));
        pages.WriteSetup(entries);
        writer.EndSection();
        writer.Flush();
    }

    /// <summary>Pages of precopy, which count as sent.</summary>
    public void Precopy(IEnumerable<(RamBlock Block, long Offset)> some) => Part([.. some]);

    /// <summary>Ranges of a block are sent again.</summary>
    public void Discard(RamBlock block, params (long Start, long Length)[] ranges)
    {
        var name = Encoding.ASCII.GetBytes(block.Name);
        var payload = new byte[2 + name.Length + 1 + 16 * ranges.Length];
        payload[1] = (byte)name.Length;
        name.CopyTo(payload, 2);
        for (var i = 0; i < ranges.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(payload.AsSpan(3 + name.Length + 16 * i), (ulong)ranges[i].Start);
            BinaryPrimitives.WriteUInt64BigEndian(payload.AsSpan(11 + name.Length + 16 * i), (ulong)ranges[i].Length);
        }
        writer.WriteCommand(QemuCommandId.PostcopyRamDiscard, payload);
        writer.Flush();
        lock (gate)
            sent.RemoveWhere(page => page.Item1 == block && ranges.Any(range => page.Item2 >= range.Start && page.Item2 < range.Start + range.Length));
    }

    /// <summary>All that has not been sent.</summary>
    public void DiscardUnsent()
    {
        foreach (var block in machine.Memory.Blocks)
            Discard(block, [.. Unsent.Where(page => page.Block == block).Select(page => (page.Offset, block.PageSize)).DefaultIfEmpty()]);
    }

    /// <summary>Device state, LISTEN and RUN, and PINGs around it.</summary>
    /// <param name="damage">Changes the package.</param>
    public void SendPackage(Func<byte[], byte[]>? damage = null)
    {
        using var bytes = new MemoryStream();
        var package = WithoutHeader(bytes);
        package.WriteCommand(QemuCommandId.PostcopyListen);
        foreach (var section in machine.SaveOrder.Where(static section => section.Device != null))
            StateSection.Save(package, section.Id, section.Name, section.InstanceId, section.Device!);
        package.WriteCommand(QemuCommandId.Ping, [0, 0, 0, 3]);
        package.WriteCommand(QemuCommandId.PostcopyRun);
        package.Flush();
        lock (gate)
        {
            Ping(2);
            writer.WritePackage(damage?.Invoke(bytes.ToArray()) ?? bytes.ToArray());
            Ping(4);
            pages.ForgetLastBlock();
            writer.Flush();
        }
    }

    /// <summary>From now on, and for what was asked before: what is asked for is sent, once.</summary>
    public void AnswerRequests()
    {
        isAnswering = true;
        foreach (var request in Requests.ToArray())
            Send(request.Block, request.Offset);
    }

    /// <summary>Sends a page if it was not.</summary>
    public void Send(RamBlock block, long offset)
    {
        lock (gate)
        {
            if (sent.Contains((block, offset)))
                return;
            if (Preempt is { } urgent && Thread.CurrentThread.Name == "requests")
                SendUrgent(urgent, block, offset);
            else
                Part([(block, offset)]);
        }
    }

    /// <summary>Sends a page, again if it was.</summary>
    public void SendTwice(RamBlock block, long offset)
    {
        Part([(block, offset)]);
        Part([(block, offset)]);
    }

    /// <summary>Sends all that was not, in an order of its own.</summary>
    public void SendRest(int seed = 1, int atMost = int.MaxValue)
    {
        var rest = Unsent.ToArray();
        new Random(seed).Shuffle(rest);
        foreach (var (block, offset) in rest.Take(atMost))
            Send(block, offset);
    }

    /// <summary>END and EOF.</summary>
    public void End()
    {
        lock (gate)
        {
            if (Preempt is { } urgent)
                urgent.Write([0, 0, 0, 0, 0, 0, 0, 0x10]);
            writer.BeginSection(machine.Sections[0].Header(SectionKind.End));
            pages.WriteEndOfSection();
            writer.EndSection();
            writer.WriteEof();
            writer.Flush();
        }
    }

    /// <summary>The link is gone.</summary>
    public void Cut()
    {
        channel.Dispose();
        Preempt?.Dispose();
        threads.ForEach(static thread => thread.Join());
        threads.Clear();
        isAnswering = false;
        Preempt = null;
    }

    /// <summary>Comes back on a new link: asks for the bitmaps, and sends what is missing from now on.</summary>
    /// <param name="address">Where.</param>
    /// <param name="preempt">With a second connection.</param>
    /// <param name="until">How far the recovery goes: 0 connects, 1 has asked for the bitmaps, 2 resumes.</param>
    public void Return(ChannelAddress address, bool preempt = false, int until = 2)
    {
        lock (gate)
        {
            channel = ChannelConnector.Connect(address, new ConnectOptions());
            Preempt = preempt ? ChannelConnector.Connect(address, new ConnectOptions()) : null;
            writer = WithoutHeader(channel.AsStream());
            pages = new RamSectionWriter(writer, Page);
            lastRequested = null;
            Said.Clear();
            Requests.Clear();
        }
        Listen();
        if (until == 0)
            return;
        foreach (var block in machine.Memory.Blocks)
            writer.WriteCommand(QemuCommandId.RecvBitmap, [(byte)block.Name.Length, .. Encoding.ASCII.GetBytes(block.Name)]);
        writer.Flush();
        Vms.WaitFor(() => Said.Count(said => said.Kind == ReturnPathMessageKind.ReceivedBitmap) == machine.Memory.Blocks.Count);
        lock (gate)
        {
            sent.Clear();
            foreach (var said in Said.Where(said => said.Kind == ReturnPathMessageKind.ReceivedBitmap))
            {
                var block = machine.Memory.FindBlock(said.Block!)!;
                for (var unit = 0L; unit < block.UsedLength / block.PageSize; unit++)
                {
                    var page = unit * (block.PageSize / Page);
                    if ((said.Bitmap.Span[(int)(page / 8)] >> (int)(page % 8) & 1) != 0)
                        sent.Add((block, unit * block.PageSize));
                }
            }
        }
        if (until == 1)
            return;
        Assert.Empty(Requests);
        writer.WriteCommand(QemuCommandId.PostcopyResume);
        writer.Flush();
        Vms.WaitFor(() => HasSaid(ReturnPathMessage.ResumeAcknowledged()));
    }

    public void Dispose() => Cut();

    /// <summary>For what has no header of its own: a package, a link after a break.</summary>
    private static QemuStreamWriter WithoutHeader(Stream stream)
    {
        var writer = new QemuStreamWriter(new Headless(stream));
        writer.WriteHeader();
        writer.Flush();
        return writer;
    }

    private void Ping(byte value) => writer.WriteCommand(QemuCommandId.Ping, [0, 0, 0, value]);

    private void Part((RamBlock Block, long Offset)[] some)
    {
        lock (gate)
        {
            writer.BeginSection(machine.Sections[0].Header(SectionKind.Part));
            foreach (var (block, offset) in some)
            {
                Write(pages, block, offset);
                sent.Add((block, offset));
            }
            pages.WriteEndOfSection();
            writer.EndSection();
            writer.Flush();
        }
    }

    private void SendUrgent(Channel urgent, RamBlock block, long offset)
    {
        using var bytes = new MemoryStream();
        var raw = WithoutHeader(bytes);
        raw.BeginSection(machine.Sections[0].Header(SectionKind.Part));
        Write(new RamSectionWriter(raw, Page), block, offset);
        raw.EndSection();
        raw.Flush();

        // Without what is around a section: type and id before, the footer behind.
        urgent.Write(bytes.ToArray().AsSpan(5..^5));
        sent.Add((block, offset));
    }

    private void Write(RamSectionWriter to, RamBlock block, long offset)
    {
        var entry = entries.First(one => one.Name == block.Name);
        var bytes = new byte[Page];
        for (var at = offset; at < offset + block.PageSize; at += Page)
        {
            machine.Memory.Read(block, at, bytes);
            if (ZeroPage.IsZero(bytes))
                to.WriteZeroPage(entry, at);
            else
                to.WritePage(entry, at, bytes);
        }
    }

    private void Listen()
    {
        var from = channel;
        var thread = new Thread(() =>
        {
            try
            {
                while (ReturnPathMessage.Read(from.AsStream()) is { } message)
                {
                    if (message.Pages is not { } wanted)
                    {
                        Said.Enqueue(message);
                        continue;
                    }
                    lastRequested = wanted.Block is { } name ? machine.Memory.FindBlock(name) : lastRequested;
                    Requests.Enqueue((lastRequested!, (long)wanted.Start, wanted.Length));
                    if (isAnswering)
                        Send(lastRequested!, (long)wanted.Start);
                }
            }
            catch (Exception e) when (e is ChannelException or VmStateException)
            {
                // The link is gone.
            }
        })
        {
            IsBackground = true,
            Name = "requests",
        };
        threads.Add(thread);
        thread.Start();
    }

    private sealed class Headless(Stream inner) : MemoryStream
    {
        private int left = 8;

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var skipped = Math.Min(left, buffer.Length);
            left -= skipped;
            inner.Write(buffer[skipped..]);
        }
    }
}
