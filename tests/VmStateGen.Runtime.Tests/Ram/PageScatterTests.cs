using System;
using System.Buffers.Binary;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Runtime.Tests.Channels;

namespace VmStateGen.Runtime.Tests.Ram;

/// <summary>Pages are received straight into RAM where they come one after the other. Nobody can tell by what comes out of it.</summary>
public sealed class PageScatterTests
{
    private const int Pages = 1024;
    private const int Rounds = 3;

    [Theory]
    [InlineData(4096, 20)]
    [InlineData(16384, 5)]
    [InlineData(1 << 17, 1)]
    public void What_arrives_is_what_was_sent_whatever_records_follow_each_other(int pageSize, int streams)
    {
        for (int seed = 0; seed < streams; seed++)
        {
            using var memory = new GuestMemory(pageSize);
            var stream = new RandomRam(seed, pageSize);
            RamBlock[] blocks = stream.AddTo(memory);
            var (position, traffic) = Load(memory, stream.ToArray(), new Random(seed), close: false);
            Assert.Equal(stream.Length, position);
            Assert.Equal((stream.Zeros, stream.Normal), (traffic.ZeroPages, traffic.NormalPages));
            stream.AssertIn(memory, blocks);
        }
    }

    [Fact]
    public void A_stream_that_is_cut_anywhere_is_refused_at_the_record_and_leaves_no_half_page()
    {
        var random = new Random(7);
        for (int seed = 0; seed < 60; seed++)
        {
            using var memory = new GuestMemory();
            var stream = new RandomRam(seed, 4096, rounds: 1);
            RamBlock[] blocks = stream.AddTo(memory);
            byte[] bytes = stream.ToArray();
            int cut = random.Next(stream.SetupLength + 1, bytes.Length);
            var error = Assert.Throws<VmStateException>(() => Load(memory, bytes[..cut], random, close: true));
            Assert.InRange(error.Offset, 0, cut);
            stream.AssertIn(memory, blocks, onlyBefore: cut);
        }
    }

    [Fact]
    public void Pages_in_sequence_go_past_the_buffer()
    {
        using var memory = new GuestMemory();
        var stream = RandomRam.InSequence(4096);
        RamBlock[] blocks = stream.AddTo(memory);
        var counted = new CountingStream(stream.ToArray());
        Load(memory, counted);
        Assert.True(counted.Scattered > stream.Length / 2, $"{counted.Scattered} bytes of {stream.Length} went straight into RAM");
        stream.AssertIn(memory, blocks);
    }

    private static (long Position, RamTraffic Traffic) Load(GuestMemory memory, byte[] bytes, Random random, bool close)
    {
        var (first, second) = SocketChannel.CreatePair();
        using (first)
        using (second)
        {
            Task sending = ChannelFixture.Run(() =>
            {
                for (int at = 0; at < bytes.Length;)
                {
                    int piece = Math.Min(bytes.Length - at, random.Next(3) == 0 ? random.Next(1, 5000) : random.Next(1, 400_000));
                    first.Write(bytes.AsSpan(at, piece));
                    at += piece;
                    if (random.Next(8) == 0)
                        Thread.Yield();
                }
                if (close)
                    first.ShutdownWrite();
            });
            try
            {
                // It would wait for what nobody sends if it took more than is there.
                second.ReadTimeout = ChannelFixture.Long;
                return Load(memory, second.AsStream());
            }
            finally
            {
                Assert.True(sending.Wait(ChannelFixture.Long));
            }
        }
    }

    private static (long Position, RamTraffic Traffic) Load(GuestMemory memory, Stream stream)
    {
        StreamCursor cursor = new QemuIncomingStream(stream).Cursor;
        var ram = new RamPrecopy(memory);
        ram.SetupLoad(new MigrationFeatures());
        ram.Load(cursor, SectionKind.Start, QemuWire.RamVersion);
        for (int i = 0; i < Rounds && cursor.PeekByte() == 0; i++)
            ram.Load(cursor, SectionKind.Part, QemuWire.RamVersion);
        return (cursor.Position, ram.Traffic);
    }

    /// <summary>Gives what it has in pieces of 100 KB.</summary>
    private sealed class CountingStream(byte[] bytes) : MemoryStream(bytes), IScatterStream
    {
        public bool CanScatter => true;

        public long Scattered { get; private set; }

        public int Read(Span<IoSlice> slices)
        {
            int count = 0;
            for (int i = 0; i < slices.Length && count < 100_000; i++)
            {
                var piece = new byte[slices[i].Length];
                int length = Read(piece);
                Marshal.Copy(piece, 0, slices[i].Address, length);
                count += length;
            }
            Scattered += count;
            return count;
        }

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 100_000)]);
    }

    /// <summary>RAM of two blocks as a source may send it, and what the destination then has.</summary>
    private sealed class RandomRam
    {
        private static readonly string[] Names = ["first", "second"];

        private readonly int pageSize;
        private readonly MemoryStream bytes = new();
        private readonly byte[][] contents;

        // Of each page the byte that all of it is, and where in the stream its last record ends.
        private readonly (byte Fill, long End)[,] pages = new (byte, long)[2, Pages];

        private RandomRam(int pageSize)
        {
            this.pageSize = pageSize;
            contents = new byte[256][];
            for (int i = 0; i < 256; i++)
            {
                contents[i] = new byte[pageSize];
                contents[i].AsSpan().Fill((byte)i);
            }
            WriteSetup();
            SetupLength = (int)bytes.Length;
        }

        public RandomRam(int seed, int pageSize, int rounds = Rounds)
            : this(pageSize)
        {
            var random = new Random(seed);
            for (int round = 0; round < rounds; round++)
            {
                int block = -1;
                for (int runs = random.Next(1, 40); runs > 0; runs--)
                {
                    int next = random.Next(4) == 0 ? 1 : 0;
                    WriteRun(random, next, isNamed: next != block || random.Next(5) == 0);
                    block = next;
                }
                Write64((ulong)RamFlags.EndOfSection);
            }
        }

        public int SetupLength { get; }

        public long Length => bytes.Length;

        public long Zeros { get; private set; }

        public long Normal { get; private set; }

        public byte[] ToArray() => bytes.ToArray();

        /// <summary>All pages of the first block, in one round.</summary>
        public static RandomRam InSequence(int pageSize)
        {
            var all = new RandomRam(pageSize);
            for (int page = 0; page < Pages; page++)
                all.WritePage(0, page, 1, isNamed: page == 0);
            all.Write64((ulong)RamFlags.EndOfSection);
            return all;
        }

        public RamBlock[] AddTo(GuestMemory memory) => [memory.AddBlock(Names[0], Pages * (long)pageSize), memory.AddBlock(Names[1], Pages * (long)pageSize)];

        public void AssertIn(GuestMemory memory, RamBlock[] blocks, long onlyBefore = long.MaxValue)
        {
            var page = new byte[pageSize];
            for (int block = 0; block < 2; block++)
            {
                for (int i = 0; i < Pages; i++)
                {
                    memory.Read(blocks[block], (long)i * pageSize, page);

                    // In one round each page comes once at most, or the last time counts.
                    bool isWhole = page.AsSpan().IndexOfAnyExcept(page[0]) < 0;
                    Assert.True(isWhole, $"half a page: {Names[block]} page {i}");
                    var (fill, end) = pages[block, i];
                    if (end <= onlyBefore)
                        Assert.True(page[0] == fill, $"{Names[block]} page {i}: {page[0]}, expected {fill}");
                }
            }
        }

        private void WriteRun(Random random, int block, bool isNamed)
        {
            int first = random.Next(Pages);
            int count = Math.Min(Pages - first, random.Next(3) == 0 ? random.Next(1, 6) : random.Next(1, 300));
            bool isZero = random.Next(4) == 0;
            for (int i = first; i < first + count; i++)
            {
                // Now and then one is left out, or comes twice.
                int page = random.Next(60) == 0 ? Math.Max(first, i - random.Next(3)) : i;
                WritePage(block, page, isZero || random.Next(80) == 0 ? (byte)0 : (byte)random.Next(1, 256), isNamed && i == first);
            }
        }

        private void WritePage(int block, int page, byte fill, bool isNamed)
        {
            bool isZero = fill == 0;
            Write64((ulong)((long)page * pageSize) | (ulong)((isZero ? RamFlags.Zero : RamFlags.Page) | (isNamed ? 0 : RamFlags.Continue)));
            if (isNamed)
                WriteName(Names[block]);
            bytes.Write(contents[fill], 0, isZero ? 1 : pageSize);
            pages[block, page] = (fill, bytes.Length);
            (Zeros, Normal) = isZero ? (Zeros + 1, Normal) : (Zeros, Normal + 1);
        }

        private void WriteSetup()
        {
            Write64((ulong)(2L * Pages * pageSize) | (ulong)RamFlags.MemSize);
            foreach (string name in Names)
            {
                WriteName(name);
                Write64((ulong)(Pages * (long)pageSize));
            }
            Write64((ulong)RamFlags.EndOfSection);
        }

        private void WriteName(string name)
        {
            bytes.WriteByte((byte)name.Length);
            bytes.Write(Encoding.ASCII.GetBytes(name));
        }

        private void Write64(ulong value)
        {
            Span<byte> word = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(word, value);
            bytes.Write(word);
        }
    }
}
