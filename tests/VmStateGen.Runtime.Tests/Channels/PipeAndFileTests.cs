using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;
using static VmStateGen.Runtime.Tests.Channels.ChannelFixture;

namespace VmStateGen.Runtime.Tests.Channels;

public sealed class PipeAndFileTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void A_descriptor_of_a_pipe_goes_one_way()
    {
        var (reader, writer) = LinuxFiles.CreatePipe();
        using Channel source = ChannelConnector.FromDescriptor(writer);
        using Channel destination = ChannelConnector.FromDescriptor(reader);
        Assert.False(source.IsBidirectional);
        Assert.Throws<ChannelException>(() => source.Read(new byte[1]));
        byte[][] pieces = [Bytes(300_000), [], Bytes(5, 2)];
        Task<byte[]> arrived = Run(() => ReadToEnd(destination));
        source.Write(Array.ConvertAll(pieces, piece => new ReadOnlyMemory<byte>(piece)));
        Assert.True(source.WaitUntilDelivered(Long));
        source.ShutdownWrite();
        Assert.Equal(pieces.SelectMany(piece => piece), Done(arrived));
    }

    [Fact]
    public void A_pipe_is_cancelled_timed_out_and_broken()
    {
        var (reader, writer) = LinuxFiles.CreatePipe();
        using Channel source = ChannelConnector.FromDescriptor(writer);
        Channel destination = ChannelConnector.FromDescriptor(reader);
        destination.ReadTimeout = Short;
        Assert.Equal(ChannelFault.TimedOut, Fails(Run(() => destination.Read(new byte[1]))).Fault);
        destination.ReadTimeout = Timeout.InfiniteTimeSpan;
        Task reading = Run(() => destination.Read(new byte[1]));
        Thread.Sleep(Short);
        destination.Cancel();
        Assert.Equal(ChannelFault.Cancelled, Fails(reading).Fault);
        destination.Dispose();

        // A process that another test starts has the end too, from its fork to its exec.
        ChannelException? broken = null;
        Assert.True(SpinWait.SpinUntil(() => (broken = TryWrite(source)) != null, Long));
        Assert.Equal(ChannelFault.Closed, broken!.Fault);
    }

    [Fact]
    public void A_descriptor_that_is_none_is_reported()
        => Assert.Equal(ChannelFault.System, Assert.Throws<ChannelException>(() => ChannelConnector.Connect(ChannelAddress.Parse("fd:1000000"))).Fault);

    [Fact]
    public void What_is_in_front_of_the_offset_stays_and_what_is_behind_goes()
    {
        string path = Path.Combine(NewFolder(), "f");
        File.WriteAllBytes(path, Bytes(100_000));
        byte[] state = Bytes(5000, 2);
        using (Channel channel = ChannelConnector.Connect(new FileAddress(path, 4096)))
        {
            channel.Write([state.AsMemory(0, 1000), state.AsMemory(1000)]);
            channel.Close();
        }
        Assert.Equal([.. Bytes(100_000).Take(4096), .. state], File.ReadAllBytes(path));
        using Channel reader = ChannelConnector.Open(new FileAddress(path, 4096), ChannelDirection.Incoming);
        Assert.Equal(state, ReadToEnd(reader));
        var file = Assert.IsType<FileChannel>(reader);
        file.Position = 4097;
        var four = new byte[4];
        file.ReadExactly(four);
        Assert.Equal(state[1..5], four);
        Assert.Equal(4, file.ReadAt(4096, four));
        Assert.Equal(state[..4], four);
        Assert.Throws<ChannelException>(() => file.Write(four));
    }

    [Fact]
    public void An_atomic_file_appears_when_it_is_complete()
    {
        string folder = NewFolder();
        string path = Path.Combine(folder, "f");
        File.WriteAllText(path, "old");
        File.CreateSymbolicLink(Path.Combine(folder, "link"), path);
        using (Channel dropped = ChannelConnector.CreateAtomic(new FileAddress(path)))
            dropped.Write(Bytes(10));
        Assert.Equal("old", File.ReadAllText(path));
        using (Channel channel = ChannelConnector.CreateAtomic(new FileAddress(Path.Combine(folder, "link"))))
        {
            channel.Write(Bytes(10));
            Assert.Equal("old", File.ReadAllText(path));
            channel.Close();
        }
        Assert.Equal(Bytes(10), File.ReadAllBytes(path));
        Assert.Equal(["f", "link"], Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_FIFO_is_written_to_and_never_replaced()
    {
        string path = Path.Combine(NewFolder(), "fifo");
        using (Channel make = ChannelConnector.Connect(new ExecAddress($"mkfifo '{path}'")))
            make.Close();

        // Neither end blocks where it cannot be cancelled while the other one is not there.
        using var source = new CancellationTokenSource(Short);
        Assert.ThrowsAny<OperationCanceledException>(() => ChannelConnector.Connect(new FileAddress(path), token: source.Token));
        using Channel reader = ChannelConnector.Open(new FileAddress(path), ChannelDirection.Incoming);
        Task<byte[]> arrived = Run(() => ReadToEnd(reader));
        Thread.Sleep(Short);
        using (Channel writer = ChannelConnector.CreateAtomic(new FileAddress(path)))
        {
            writer.Write(Bytes(100_000));
            writer.Close();
        }
        Assert.Equal(Bytes(100_000), Done(arrived));
        Assert.Equal(FileKind.Pipe, LinuxFiles.Identify(path, followLink: false, out _)?.Kind);
    }

    [Fact]
    public void A_device_is_written_to_as_it_is()
    {
        using Channel channel = ChannelConnector.CreateAtomic(new FileAddress("/dev/null"));
        channel.Write(Bytes(10));
        channel.Close();
        using Channel full = ChannelConnector.Connect(new FileAddress("/dev/full"));
        Assert.Equal(ChannelFault.System, Assert.Throws<ChannelException>(() => full.Write(Bytes(10))).Fault);
    }

    [Fact]
    public void A_command_is_written_to_and_read_from()
    {
        string path = Path.Combine(NewFolder(), "f");
        using (Channel channel = ChannelConnector.Connect(new ExecAddress($"cat > '{path}'")))
        {
            channel.Write(Bytes(300_000));
            channel.Close();
        }
        Assert.Equal(Bytes(300_000), File.ReadAllBytes(path));
        using ChannelListener listener = ChannelListener.Listen(new ExecAddress($"cat '{path}'"));
        using Channel reader = listener.Accept(Long);
        Assert.Equal(Bytes(300_000), ReadToEnd(reader));
        reader.Close();
    }

    [Fact]
    public void A_command_that_fails_is_reported_with_what_it_said()
    {
        using Channel writer = ChannelConnector.Connect(new ExecAddress("cat > /dev/null; echo no room >&2; exit 7"));
        writer.Write(Bytes(10));
        ChannelException closing = Assert.Throws<ChannelException>(writer.Close);
        Assert.Equal(ChannelFault.CommandFailed, closing.Fault);
        Assert.Contains("exit code 7 and said: no room", closing.Message, StringComparison.Ordinal);

        using Channel early = ChannelConnector.Connect(new ExecAddress("echo not today >&2; exit 3"));
        ChannelException writing = Assert.Throws<ChannelException>(() => early.Write(Bytes(1_000_000)));
        Assert.Contains("exit code 3 and said: not today", writing.Message, StringComparison.Ordinal);

        using Channel reader = ChannelConnector.Open(new ExecAddress("printf abc; kill -9 $$"), ChannelDirection.Incoming);
        Assert.Contains("signal 9", Assert.Throws<ChannelException>(() => ReadToEnd(reader)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_that_says_a_lot_does_not_block_and_is_not_kept()
    {
        using var channel = (ExecChannel)ChannelConnector.Connect(new ExecAddress("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1"));
        Assert.Throws<ChannelException>(channel.Close);
        Assert.InRange(channel.Diagnostics.Length, 1, 4096);
    }

    [Fact]
    public void A_command_goes_with_its_channel()
    {
        string path = Path.Combine(NewFolder(), "pid");
        var channel = (ExecChannel)ChannelConnector.Open(new ExecAddress($"sleep 1000 & echo $! > '{path}'; echo; wait"), ChannelDirection.Incoming);
        channel.ReadExactly(new byte[1]);
        int child = int.Parse(File.ReadAllText(path), null);
        Assert.Null(channel.ExitStatus);
        Task reading = Run(() => channel.Read(new byte[1]));
        channel.Dispose();
        Assert.Equal(ChannelFault.Cancelled, Fails(reading).Fault);
        Assert.False(Directory.Exists($"/proc/{channel.ProcessId}"));
        Assert.True(SpinWait.SpinUntil(() => IsGone(child), Long));
    }

    private static bool IsGone(int pid)
    {
        try
        {
            // A zombie that nobody collects is as good as gone.
            return File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static ChannelException? TryWrite(Channel channel)
    {
        try
        {
            channel.Write(new byte[1]);
            return null;
        }
        catch (ChannelException e)
        {
            return e;
        }
    }
}
