using System;
using System.IO;
using System.IO.Pipes;
using System.Linq;
using System.Net.Sockets;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Linux;

/// <summary>Scatter-gather from and into guest RAM.</summary>
public sealed class VectorIoTests : IDisposable
{
    private const int Page = 4096;
    private readonly GuestMemory memory = new();
    private readonly RamBlock ram;

    public VectorIoTests()
    {
        ram = memory.AddBlock("ram", 2048 * Page);
        for (var i = 0; i < 2048; i++)
            memory.Write(ram, (long)i * Page, Enumerable.Repeat((byte)(i * 7 + 1), Page).ToArray());
    }

    public void Dispose() => memory.Dispose();

    [Fact]
    public async Task More_than_one_call_takes_arrives_whole_through_a_pipe()
    {
        // 1,400 pages with a header each are 2,800 segments, three calls at least; a pipe takes 64 KiB at a time, so every write is partial.
        const int Pages = 1400;
        var vector = memory.CreateVector(2 * Pages, 8 * Pages);
        var expected = new MemoryStream();
        for (var i = 0; i < Pages; i++)
        {
            vector.AddBytes(BitConverter.GetBytes((long)i));
            expected.Write(BitConverter.GetBytes((long)i), 0, 8);
            vector.AddRam(ram, (long)i * Page, Page);
            expected.Write([.. Enumerable.Repeat((byte)(i * 7 + 1), Page)], 0, Page);
        }
        Assert.Equal((2 * Pages, expected.Length), (vector.SegmentCount, vector.Length));

        using var receiver = new AnonymousPipeServerStream(PipeDirection.In);
        using var sender = new AnonymousPipeClientStream(PipeDirection.Out, receiver.ClientSafePipeHandle);
        var received = Task.Run(() =>
        {
            var bytes = new byte[2 * expected.Length];
            receiver.ReadExactly(bytes);
            return bytes;
        });

        // Twice: a partial write leaves the vector as it was.
        VectorIo.Write(sender.SafePipeHandle, vector);
        VectorIo.Write(sender.SafePipeHandle, vector);
        var all = await received;
        Assert.Equal(expected.ToArray(), all[..(int)expected.Length]);
        Assert.Equal(expected.ToArray(), all[(int)expected.Length..]);
    }

    [Fact]
    public async Task A_socket_that_does_not_block_is_waited_for()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var path = Path.Combine(Path.GetTempPath(), $"vmstategen-{Guid.NewGuid():N}");
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        using var sender = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        sender.Connect(new UnixDomainSocketEndPoint(path));
        using var receiver = listener.Accept();
        File.Delete(path);
        sender.Blocking = false;

        var vector = memory.CreateVector(4);
        vector.AddRam(ram, 0, 2048 * Page);
        var sent = Task.Run(() => VectorIo.Write(sender.SafeHandle, vector));
        var all = new byte[2048 * Page];
        await using (var stream = new NetworkStream(receiver))
            await stream.ReadExactlyAsync(all);
        await sent;
        memory.Access(ram, 0, all.Length, all, static (bytes, state) =>
        {
            Assert.True(bytes.SequenceEqual(state));
            return 0;
        });
    }

    [Fact]
    public void A_file_is_written_and_read_at_an_offset_and_marks_what_it_read()
    {
        using var file = Temporary();
        var vector = memory.CreateVector(8);
        vector.AddRam(ram, 5 * Page, Page);
        vector.AddRam(ram, 3 * Page, Page);
        VectorIo.Write(file, vector, 3 * Page);
        Assert.Equal(5 * Page, RandomAccess.GetLength(file));

        using var log = memory.StartDirtyLog("test");
        vector.Clear();
        vector.AddRam(ram, 100 * Page, Page);
        vector.AddRam(ram, 200 * Page, Page);
        Assert.Equal(2 * Page, VectorIo.Read(file, vector, 3 * Page));
        Assert.Equal((byte)(5 * 7 + 1), ReadByte(100 * Page));
        Assert.Equal((byte)(3 * 7 + 1), ReadByte(200 * Page + Page - 1));
        Assert.True(log[ram][100] && log[ram][200]);
        Assert.Equal(2, log[ram].Count());

        // The end of the data is no error, and what may have been read counts as written.
        Assert.Equal(Page + 100, VectorIo.Read(file, vector, 4 * Page - 100));
        Assert.Equal(0, VectorIo.Read(file, vector, 5 * Page));
    }

    [Fact]
    public void Errors_name_the_call_and_leave_the_vector_usable()
    {
        var vector = memory.CreateVector(2, 8);
        vector.AddRam(ram, 0, Page);
        using (var readOnly = FileCalls.OpenReadOnly("/dev/null"))
        {
            var e = Assert.Throws<SystemCallException>(() => VectorIo.Write(readOnly, vector));
            Assert.Equal("writev(1 segments, 4096 bytes, after 0) failed: EBADF, Bad file descriptor.", e.Message);
        }
        using (var file = Temporary())
            VectorIo.Write(file, vector);
        vector.AddBytes([1]);
        using (var file = Temporary())
            Assert.Throws<ArgumentException>(() => VectorIo.Read(file, vector));
    }

    [Fact]
    public void A_closed_pipe_is_an_error_and_no_signal()
    {
        var vector = memory.CreateVector(2);
        vector.AddRam(ram, 0, Page);
        using var receiver = new AnonymousPipeServerStream(PipeDirection.In);
        using var sender = new AnonymousPipeClientStream(PipeDirection.Out, receiver.ClientSafePipeHandle);
        receiver.Dispose();
        Assert.Equal("EPIPE", Assert.Throws<SystemCallException>(() => VectorIo.Write(sender.SafePipeHandle, vector)).ErrorName);
    }

    [Fact]
    public void A_vector_joins_neighbours_and_knows_its_bounds()
    {
        var vector = memory.CreateVector(3, 10);
        vector.AddRam(ram, 0, Page);
        vector.AddRam(ram, Page, Page);
        vector.AddBytes([1, 2]);
        vector.AddBytes([3]);
        vector.AddRam(ram, 2 * Page, 0);
        Assert.Equal((2, 2 * Page + 3L, 7, 1), (vector.SegmentCount, vector.Length, vector.FreeBytes, vector.FreeSegments));
        vector.AddRam(ram, 0, 1);
        Assert.Throws<InvalidOperationException>(() => vector.AddBytes([1]));
        Assert.Throws<InvalidOperationException>(() => vector.AddBytes(new byte[8]));
        Assert.Throws<ArgumentOutOfRangeException>(() => vector.AddRam(ram, ram.UsedLength - 1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => vector.AddRam(ram, -1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => vector.AddRam(ram, long.MaxValue, long.MaxValue));
        vector.Clear();
        Assert.Equal((0, 0L, 10), (vector.SegmentCount, vector.Length, vector.FreeBytes));

        using var other = RamBlock.Create("other", Page);
        Assert.Throws<ArgumentException>(() => vector.AddRam(other, 0, 1));
    }

    [Fact]
    public void Guest_addresses_may_span_blocks()
    {
        var second = memory.AddBlock("second", 4 * Page);
        memory.MapBlock(0, ram);
        memory.MapBlock((ulong)ram.UsedLength, second);
        memory.Fill(second, 0, Page, 0xee);
        var vector = memory.CreateVector(4);
        vector.AddRam((ulong)ram.UsedLength - 1, 2);
        using var file = Temporary();
        VectorIo.Write(file, vector);
        var bytes = new byte[2];
        RandomAccess.Read(file, bytes, 0);
        Assert.Equal([unchecked((byte)(2047 * 7 + 1)), 0xee], bytes);
        Assert.Throws<GuestAddressException>(() => vector.AddRam((ulong)(ram.UsedLength + second.UsedLength) - 1, 2));
    }

    [Fact]
    public void A_block_that_is_gone_is_not_touched()
    {
        var block = memory.AddBlock("gone", Page);
        var vector = memory.CreateVector(4);
        vector.AddRam(ram, 0, 1);
        vector.AddRam(block, 0, 1);
        memory.RemoveBlock(block);
        using var file = Temporary();
        Assert.Throws<ObjectDisposedException>(() => VectorIo.Write(file, vector));
        vector.Clear();
    }

    private static SafeFileHandle Temporary()
        => File.OpenHandle(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);

    private byte ReadByte(long offset)
    {
        Span<byte> one = stackalloc byte[1];
        memory.Read(ram, offset, one);
        return one[0];
    }
}
