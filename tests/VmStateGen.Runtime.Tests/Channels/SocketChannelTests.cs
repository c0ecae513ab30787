using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Channels;
using static VmStateGen.Runtime.Tests.Channels.ChannelFixture;

namespace VmStateGen.Runtime.Tests.Channels;

public sealed class SocketChannelTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData("tcp")]
    [InlineData("tcp6")]
    [InlineData("unix")]
    [InlineData("pair")]
    public void Both_ways_and_half_closed(string kind)
    {
        var (source, destination) = Connect(kind);
        using (source)
        using (destination)
        {
            byte[] there = Bytes(3_000_000, 1), back = Bytes(1_000_000, 2);
            Task<byte[]> arrived = Run(() => ReadToEnd(destination));
            source.Write(there);
            source.ShutdownWrite();
            Assert.Equal(there, Done(arrived));

            Task<byte[]> answered = Run(() => ReadToEnd(source));
            destination.Write(back);
            destination.ShutdownWrite();
            Assert.Equal(back, Done(answered));
            Assert.True(source.IsBidirectional);
            Assert.Equal((there.Length, back.Length), (source.BytesWritten, source.BytesRead));
        }
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("unix")]
    public void A_long_list_of_buffers_arrives_through_small_ones(string kind)
    {
        var (source, destination) = Connect(kind, new ChannelOptions { SendBufferSize = 4096, ReceiveBufferSize = 4096 });
        using (source)
        using (destination)
        {
            var random = new Random(5);
            byte[][] pieces = [.. Enumerable.Range(0, 3000).Select(i => Bytes(random.Next(4) == 0 ? 0 : random.Next(9000), i))];
            Task<byte[]> arrived = Run(() => ReadToEnd(destination));
            source.Write(Array.ConvertAll(pieces, piece => new ReadOnlyMemory<byte>(piece)));
            source.ShutdownWrite();
            Assert.Equal(pieces.SelectMany(piece => piece), Done(arrived));
        }
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("unix")]
    public void Unsent_bytes_are_those_that_have_not_arrived(string kind)
    {
        var (source, destination) = Connect(kind);
        using (source)
        using (destination)
        {
            source.Write(Bytes(5000));
            if (kind == "unix")
            {
                Assert.True(source.UnsentBytes > 0);
                Assert.False(source.WaitUntilDelivered(Short));
            }
            destination.ReadExactly(new byte[5000]);
            Assert.True(source.WaitUntilDelivered(Long));
            Assert.Equal(0, source.UnsentBytes);
        }
    }

    [Fact]
    public void A_peer_that_closes_without_having_read_is_no_delivery()
    {
        var (source, destination) = Connect("unix");
        using (source)
        {
            source.Write(Bytes(5000));
            destination.Dispose();
            Assert.Equal(ChannelFault.Closed, Assert.Throws<ChannelException>(() => source.WaitUntilDelivered(Long)).Fault);
        }
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("unix")]
    public void A_blocked_read_and_a_blocked_write_are_cancelled(string kind)
    {
        var (source, destination) = Connect(kind);
        using (source)
        using (destination)
        {
            Task reading = Run(() => source.Read(new byte[1]));
            Task writing = Run(() => source.Write(new byte[64 << 20]));
            Thread.Sleep(Short);
            source.Cancel("the operator said so");
            foreach (ChannelException e in new[] { Fails(reading), Fails(writing) })
            {
                Assert.Equal(ChannelFault.Cancelled, e.Fault);
                Assert.Contains("the operator said so", e.Message, StringComparison.Ordinal);
                Assert.Contains(source.Peer, e.Message, StringComparison.Ordinal);
            }
            Assert.Equal(ChannelFault.Cancelled, Assert.Throws<ChannelException>(() => source.Write(new byte[1])).Fault);
            Assert.Equal(ChannelFault.Cancelled, Assert.Throws<ChannelException>(() => source.Read(new byte[1])).Fault);
        }
    }

    [Fact]
    public void Closing_wakes_who_is_blocked()
    {
        var (source, destination) = Connect("tcp");
        using (destination)
        {
            Task reading = Run(() => source.Read(new byte[1]));
            Task writing = Run(() => source.Write(new byte[64 << 20]));
            Thread.Sleep(Short);
            source.Dispose();
            Assert.Equal(ChannelFault.Cancelled, Fails(reading).Fault);
            Assert.Equal(ChannelFault.Cancelled, Fails(writing).Fault);
        }
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("unix")]
    public void Deadlines_end_what_takes_too_long(string kind)
    {
        var (source, destination) = Connect(kind, new ChannelOptions { ReadTimeout = Short, WriteTimeout = Short });
        using (source)
        using (destination)
        {
            Assert.Equal(ChannelFault.TimedOut, Fails(Run(() => source.Read(new byte[1]))).Fault);
            Assert.Equal(ChannelFault.TimedOut, Fails(Run(() => source.Write(new byte[64 << 20]))).Fault);

            // Nobody knows what has arrived of the write; the read has taken nothing and may be tried again.
            Assert.Contains("earlier", Assert.Throws<ChannelException>(() => source.Write(new byte[1])).Message, StringComparison.Ordinal);
            destination.WriteTimeout = Long;
            source.ReadTimeout = Long;
            destination.Write(new byte[] { 9 });
            Assert.Equal(1, source.Read(new byte[1]));
        }
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("unix")]
    public void A_peer_that_closes_in_the_middle_is_named_with_the_bytes_so_far(string kind)
    {
        var (source, destination) = Connect(kind);
        using (source)
        {
            destination.Write(Bytes(100));
            destination.ShutdownWrite();
            ChannelException ended = Assert.Throws<ChannelException>(() => source.ReadExactly(new byte[101]));
            Assert.Equal(ChannelFault.Closed, ended.Fault);
            Assert.Contains("after 100", ended.Message, StringComparison.Ordinal);

            destination.Dispose();
            Assert.Equal(ChannelFault.Closed, Fails(Run(() =>
            {
                while (true)
                    source.Write(new byte[65536]);
            })).Fault);
        }
    }

    [Fact]
    public void Descriptors_come_with_their_bytes_and_in_order()
    {
        string folder = NewFolder();
        var (source, destination) = Connect("unix", new ChannelOptions { AcceptDescriptors = true });
        using (source)
        using (destination)
        {
            for (int i = 0; i < 5; i++)
            {
                File.WriteAllText(Path.Combine(folder, $"{i}"), $"file {i}");
                using SafeFileHandle file = File.OpenHandle(Path.Combine(folder, $"{i}"));
                source.Write(Bytes(10));
                source.SendDescriptor(file);
            }
            var bytes = new byte[55];
            destination.ReadExactly(bytes);
            Assert.Equal(0x20, bytes[10]);
            for (int i = 0; i < 5; i++)
            {
                Assert.True(destination.TryTakeDescriptor(out SafeFileHandle? taken));
                using var reader = new StreamReader(new FileStream(taken, FileAccess.Read));
                Assert.Equal($"file {i}", reader.ReadToEnd());
            }
            Assert.False(destination.TryTakeDescriptor(out _));
        }
    }

    [Fact]
    public void Descriptors_that_nobody_asked_for_are_not_taken()
    {
        var (source, destination) = Connect("unix");
        using (source)
        using (destination)
        {
            using SafeFileHandle file = File.OpenHandle("/dev/null");
            source.SendDescriptor(file);
            Assert.Equal(1, destination.Read(new byte[10]));
            Assert.False(destination.TryTakeDescriptor(out _));
        }
        var (tcp, peer) = Connect("tcp");
        using (tcp)
        using (peer)
        {
            using SafeFileHandle file = File.OpenHandle("/dev/null");
            Assert.Equal(ChannelFault.NotSupported, Assert.Throws<ChannelException>(() => tcp.SendDescriptor(file)).Fault);
        }
    }

    [Fact]
    public void A_limit_delays_and_a_cancel_ends_the_wait()
    {
        var (source, destination) = Connect("unix");
        using (source)
        using (destination)
        {
            source.Limiter = new RateLimiter(100_000);
            var watch = Stopwatch.StartNew();
            for (int i = 0; i < 4; i++)
                source.Write(new byte[10_000]);
            Assert.True(watch.ElapsedMilliseconds >= 200, $"{watch.ElapsedMilliseconds} ms");

            source.Write(new byte[60_000]);
            source.Limiter.BytesPerSecond = 1;
            Task waiting = Run(() => source.Write(new byte[1]));
            source.Cancel();
            Assert.Equal(ChannelFault.Cancelled, Fails(waiting).Fault);
        }
    }

    [Fact]
    public void A_faulty_channel_does_as_it_is_told()
    {
        var (source, destination) = Connect("unix");
        using var faulty = new FaultyChannel(source) { CutWriteAt = 100, CorruptWriteAt = 50, AtOnce = 7, StallReadAt = 0 };
        using (destination)
        {
            byte[] sent = Bytes(200);
            Assert.Equal(ChannelFault.Closed, Assert.Throws<ChannelException>(() => faulty.Write(sent)).Fault);
            sent[50] ^= 1;
            Assert.Equal(sent.Take(100), ReadToEnd(destination));
            faulty.ReadTimeout = Short;
            Assert.Equal(ChannelFault.TimedOut, Assert.Throws<ChannelException>(() => faulty.Read(new byte[1])).Fault);
        }
    }
}
