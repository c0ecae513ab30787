using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Runtime.Tests.Channels;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>
/// A destination without a guest, as strict as QEMU's and stricter: it asks for pages at random, cuts the connection when it is told to, and
/// notes what must not be: a page twice, part of a unit, a page where none was missing.
/// </summary>
internal sealed class FakeDestination : IDisposable
{
    private const int Page = 4096;

    private readonly ChannelListener listener;
    private readonly bool hasPreempt;
    private readonly Random random;
    private readonly object gate = new();
    private readonly Dictionary<string, Block> blocks = [];
    private RamSectionReader? ram;
    private Channel? main;
    private Channel? preempt;
    private string lastRequested = "";
    private bool isRunning;
    private bool isPaused;
    private int records;
    private volatile bool isLoading;
    private Task? loader;

    public FakeDestination(string path, bool hasPreempt, int seed)
    {
        listener = ChannelListener.Listen(new UnixAddress(path));
        this.hasPreempt = hasPreempt;
        random = new Random(seed);
    }

    /// <summary>What must not have happened.</summary>
    public List<string> Wrongs { get; } = [];

    /// <summary>Page size of a block where it is not 4096.</summary>
    public Dictionary<string, int> Units { get; } = [];

    /// <summary>After how many records the connection is cut, each time, and negative: after how many of the commands of a recovery.</summary>
    public Queue<int> Cuts { get; } = new();

    /// <summary>A page that the devices wait for.</summary>
    public int? NeededByLoading { get; init; }

    public byte[] Package { get; private set; } = [];

    public int Requests { get; private set; }

    public int Connections { get; private set; }

    public bool HasPreemptEnded { get; private set; }

    private sealed class Block(long length, int unit)
    {
        public readonly byte[] Memory = new byte[length];
        public readonly bool[] Received = new bool[length / unit];
        public readonly bool[] Discarded = new bool[length / unit];
        public readonly int Unit = unit;

        public void Discard(long unit)
        {
            Discarded[unit] = true;
            Received[unit] = false;
            Memory.AsSpan((int)(unit * Unit), Unit).Clear();
        }
    }

    public byte[] MemoryOf(string block) => blocks[block].Memory;

    /// <summary>Whether a page was neither sent nor left out.</summary>
    public bool HasPage(string block, long page) => blocks[block].Received[page * Page / blocks[block].Unit];

    /// <summary>Takes the migration to its end.</summary>
    public void Run()
    {
        var isDone = false;
        while (!isDone)
        {
            Connections++;
            main = listener.Accept(TimeSpan.FromSeconds(30));
            preempt = hasPreempt ? listener.Accept(TimeSpan.FromSeconds(30)) : null;
            var cut = Cuts.TryDequeue(out var after) ? after : int.MaxValue;
            records = 0;
            var urgent = new Thread(ReadPreempt);
            urgent.Start();
            var asker = new Thread(Ask);
            asker.Start();
            try
            {
                isDone = Connections == 1 || blocks.Count == 0 ? TakeAll(cut) : TakeRest(cut);
            }
            catch (Exception e) when (e is ChannelException or VmStateException)
            {
                // Cut, by us or by the source.
            }
            Volatile.Write(ref isPaused, true);
            main.Dispose();
            preempt?.Dispose();
            urgent.Join();
            asker.Join();
            Volatile.Write(ref isRunning, false);
            Volatile.Write(ref isPaused, false);
        }
    }

    public void Dispose() => listener.Dispose();

    private bool TakeAll(int cut)
    {
        var stream = new QemuIncomingStream(main!.AsStream());
        Assert.Equal(SnapshotFixture.Machine, stream.ReadPreamble()!.MachineType);
        while (true)
        {
            var element = stream.Read();
            switch (element.Kind)
            {
                case QemuElementKind.Eof:
                    return End();
                case QemuElementKind.Section when element.Section.Kind == SectionKind.Start:
                    ram = new RamSectionReader(new RamSectionFormat(Page, AdvisedPageSizes: ulong.MaxValue));
                    ram.ReadSetup(stream.Cursor);
                    foreach (var block in ram.Blocks)
                        blocks.Add(block.Name, new Block(block.UsedLength, (int)(block.PageSize ?? Page)));
                    break;
                case QemuElementKind.Section:
                    TakeRecords(stream.Cursor, ram!, cut);
                    break;
                case QemuElementKind.Command when element.Command!.Id == QemuCommandId.PostcopyRamDiscard:
                    foreach (var (name, start, length) in WireFixture.Ranges(element.Command.Payload.Span))
                    {
                        for (var at = start; at < start + length; at += blocks[name].Unit)
                            blocks[name].Discard(at / blocks[name].Unit);
                    }
                    break;
                case QemuElementKind.Command when element.Command!.Id == QemuCommandId.Ping:
                    Say(ReturnPathMessage.Pong(element.Command.Value!.Value));
                    break;
                case QemuElementKind.Command when element.Command!.Id == QemuCommandId.Packaged:
                    Package = new byte[element.Command.PackageLength];
                    stream.Cursor.Read(Package, "package");
                    Volatile.Write(ref isRunning, NeededByLoading is null);
                    isLoading = true;
                    loader = ChannelFixture.Run(LoadDevices);
                    break;
            }
        }
    }

    private bool TakeRest(int cut)
    {
        // START was read on the first connection: its id is known to whoever goes on.
        var cursor = new StreamCursor(new PipeSource(main!.AsStream(), 0), 0, long.MaxValue);
        ram!.ForgetLastBlock();
        var commands = 0;
        while (true)
        {
            switch (cursor.ReadByte("element"))
            {
                case QemuWire.Command:
                    if (-++commands == cut)
                        throw new ChannelException("cut", ChannelFault.Closed, "", "");
                    var command = QemuCommand.Read(cursor);
                    if (command.Id == QemuCommandId.RecvBitmap)
                    {
                        var name = Encoding.ASCII.GetString(command.Payload.Span[1..]);
                        Say(ReturnPathMessage.Received(name, WireFixture.Bitmap(blocks[name].Received, blocks[name].Unit / Page)));
                    }
                    else
                    {
                        Assert.Equal(QemuCommandId.PostcopyResume, command.Id);
                        Say(ReturnPathMessage.ResumeAcknowledged());
                        lastRequested = "";
                        Volatile.Write(ref isRunning, true);
                    }
                    break;
                case QemuWire.Eof:
                    return End();
                default:
                    cursor.ReadUInt32("id");
                    TakeRecords(cursor, ram, cut);
                    cursor.Skip(5, "footer");
                    break;
            }
        }
    }

    private bool End()
    {
        // As QEMU: the end of the stream waits for the end of loading.
        loader?.Wait();
        if (hasPreempt && Package.Length > 0 && !SpinWait.SpinUntil(() => HasPreemptEnded, TimeSpan.FromSeconds(10)))
            Wrongs.Add("EOF without the mark on the preempt channel");
        Volatile.Write(ref isRunning, false);
        Say(ReturnPathMessage.Shut(0));
        return true;
    }

    private void TakeRecords(StreamCursor cursor, RamSectionReader reader, int cut)
    {
        var whole = new List<RamRecord>();
        while (reader.ReadRecord(cursor, out var record))
        {
            Place(cursor, record, whole);
            if (Interlocked.Increment(ref records) < cut || cut < 0)
                continue;

            // Once the devices are loaded: before, nothing could be recovered.
            loader?.Wait();
            throw new ChannelException("cut", ChannelFault.Closed, "", "");
        }
        if (whole.Count > 0)
            Note($"a PART that ends within a unit of {whole[0].Block!.Name}");
    }

    /// <summary>As a device does that looks at RAM while it is loaded: on another thread than the pages.</summary>
    private void LoadDevices()
    {
        if (NeededByLoading is { } page)
        {
            Thread.Sleep(100);
            Say(ReturnPathMessage.Request(new PageRequest("ram", (ulong)page * Page, Page)));
            if (!SpinWait.SpinUntil(() => blocks["ram"].Received[page], TimeSpan.FromSeconds(10)))
                Note("a page that loading waits for has not come");
        }
        Say(ReturnPathMessage.Pong(3));
        isLoading = false;
        Volatile.Write(ref isRunning, true);
    }

    private void ReadPreempt()
    {
        if (preempt is null)
            return;
        try
        {
            // Another reader: the channel has its own last block.
            var cursor = new StreamCursor(new PipeSource(preempt.AsStream(), 0), 0, long.MaxValue);
            cursor.PeekByte();
            RamSectionReader reader;
            lock (gate)
                reader = Fresh();
            var whole = new List<RamRecord>();
            while (reader.ReadRecord(cursor, out var record))
                Place(cursor, record, whole);
            HasPreemptEnded = true;
        }
        catch (Exception e) when (e is ChannelException or VmStateException)
        {
        }
    }

    private RamSectionReader Fresh()
    {
        var entries = blocks.Select(block => new RamBlockEntry(block.Key, block.Value.Memory.Length)).ToList();
        var bytes = new System.IO.MemoryStream();
        var writer = QemuStreamWriter.OfElements(bytes);
        writer.BeginSection(new SectionHeader(SectionKind.Part, 0, QemuWire.RamName, 0, 0));
        new RamSectionWriter(writer, Page).WriteSetup(entries);
        writer.Flush();
        bytes.Position = 5;
        var reader = new RamSectionReader(new RamSectionFormat(Page));
        reader.ReadSetup(new StreamCursor(bytes));
        return reader;
    }

    private void Place(StreamCursor cursor, in RamRecord record, List<RamRecord> whole)
    {
        lock (gate)
        {
            var block = blocks[record.Block!.Name];
            var unit = record.PageOffset / block.Unit;
            if (Package.Length == 0)
            {
                // Precopy: any page, any number of times.
                var page = block.Memory.AsSpan((int)record.PageOffset, Page);
                page.Clear();
                if (record.Kind == RamRecordKind.Page)
                    cursor.ReadAt(record.PayloadOffset, page, "page");
                block.Received[unit] = true;
                return;
            }
            if (!isRunning && !isLoading)
                Note($"a page of {record.Block.Name} before the guest runs");
            if (whole.Count > 0 && (whole[^1].Block!.Name != record.Block.Name || whole[^1].PageOffset + Page != record.PageOffset))
                Note($"a unit of {record.Block.Name} in parts");
            if (whole.Count == 0 && record.PageOffset % block.Unit != 0)
                Note($"a unit of {record.Block.Name} from its middle");
            if (block.Received[unit])
                Note($"{record.Block.Name} page {unit} twice");
            if (!block.Discarded[unit])
                Note($"{record.Block.Name} page {unit} was not discarded");
            if (record.Kind == RamRecordKind.Page)
                cursor.ReadAt(record.PayloadOffset, block.Memory.AsSpan((int)record.PageOffset, Page), "page");
            whole.Add(record);
            if (whole.Count < block.Unit / Page)
                return;
            block.Received[unit] = true;
            whole.Clear();
        }
    }

    private void Ask()
    {
        try
        {
            while (!Volatile.Read(ref isPaused))
            {
                Thread.Sleep(1);
                if (!Volatile.Read(ref isRunning))
                    continue;
                lock (gate)
                {
                    var (name, block) = blocks.Where(one => one.Value.Memory.Length > 0).ElementAt(random.Next(2));
                    var unit = random.Next(block.Received.Length);
                    if (block.Received[unit] && random.Next(4) > 0)
                        continue;
                    Say(ReturnPathMessage.Request(new PageRequest(name == lastRequested ? null : name, (ulong)unit * (ulong)block.Unit, (uint)block.Unit)));
                    lastRequested = name;
                    Requests++;
                }
            }
        }
        catch (ChannelException)
        {
        }
    }

    private void Say(ReturnPathMessage message)
    {
        lock (gate)
            main!.Write(message.ToBytes());
    }

    private void Note(string wrong)
    {
        lock (gate)
            Wrongs.Add(wrong);
    }
}
