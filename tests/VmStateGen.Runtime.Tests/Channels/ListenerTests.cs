using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using static VmStateGen.Runtime.Tests.Channels.ChannelFixture;

namespace VmStateGen.Runtime.Tests.Channels;

public sealed class ListenerTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData("tcp:127.0.0.1:0")]
    [InlineData("tcp::0")]
    [InlineData("tcp:localhost:0")]
    [InlineData("unix:")]
    public void Several_come_and_each_is_served(string uri)
    {
        ChannelAddress address = uri == "unix:" ? new UnixAddress(Path.Combine(NewFolder(), "s")) : ChannelAddress.Parse(uri);
        using ChannelListener listener = ChannelListener.Listen(address);
        ChannelAddress target = listener.Address is TcpAddress { Host: "" } any ? any with { Host = "127.0.0.1" } : listener.Address;
        for (byte i = 0; i < 5; i++)
        {
            using Channel source = ChannelConnector.Connect(target);
            using Channel destination = listener.Accept(Long);
            source.Write(new[] { i });
            var got = new byte[1];
            destination.ReadExactly(got);
            Assert.Equal(i, got[0]);
        }
    }

    [Fact]
    public void Accept_times_out_is_cancelled_and_goes_on()
    {
        using ChannelListener listener = ChannelListener.Listen(new TcpAddress("127.0.0.1", 0));
        Assert.Equal(ChannelFault.TimedOut, Assert.Throws<ChannelException>(() => listener.Accept(Short)).Fault);
        using var source = new CancellationTokenSource(Short);
        Assert.ThrowsAny<OperationCanceledException>(() => listener.Accept(Long, source.Token));
        using Channel channel = ChannelConnector.Connect(listener.Address);
        listener.Accept(Long).Dispose();

        Task waiting = Run(() => listener.Accept(Timeout.InfiniteTimeSpan));
        Thread.Sleep(Short);
        listener.Dispose();
        Assert.Equal(ChannelFault.Cancelled, Fails(waiting).Fault);
    }

    [Fact]
    public void A_stale_socket_is_replaced_other_things_are_not_and_nothing_is_left()
    {
        string path = Path.Combine(NewFolder(), "s");
        ChannelListener first = ChannelListener.Listen(new UnixAddress(path));
        ChannelListener second = ChannelListener.Listen(new UnixAddress(path));
        first.Dispose();
        ChannelConnector.Connect(new UnixAddress(path)).Dispose();
        second.Dispose();
        Assert.False(File.Exists(path));

        File.WriteAllText(path, "mine");
        Assert.Throws<ChannelException>(() => ChannelListener.Listen(new UnixAddress(path)));
        Assert.Equal("mine", File.ReadAllText(path));
    }

    [Fact]
    public void A_port_that_is_taken_is_reported()
    {
        using ChannelListener listener = ChannelListener.Listen(new TcpAddress("127.0.0.1", 0));
        Assert.Contains("somebody else", Assert.Throws<ChannelException>(() => ChannelListener.Listen(listener.Address)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Connecting_is_refused_retried_and_cancelled()
    {
        var address = new UnixAddress(Path.Combine(NewFolder(), "s"));
        Assert.Equal(ChannelFault.Refused, Assert.Throws<ChannelException>(() => ChannelConnector.Connect(address)).Fault);
        var patient = new ConnectOptions { Timeout = Short, Retry = true, RetryDelay = TimeSpan.FromMilliseconds(5) };
        Assert.Equal(ChannelFault.TimedOut, Assert.Throws<ChannelException>(() => ChannelConnector.Connect(address, patient)).Fault);
        using var source = new CancellationTokenSource(Short);
        Assert.ThrowsAny<OperationCanceledException>(() => ChannelConnector.Connect(address, patient with { Timeout = Long }, source.Token));

        Task<Channel> connecting = Run(() => ChannelConnector.Connect(address, patient with { Timeout = Long }));
        Thread.Sleep(Short);
        using ChannelListener listener = ChannelListener.Listen(address);
        Done(connecting).Dispose();
    }

    [Fact]
    public void A_full_backlog_makes_connectors_wait_until_their_time_is_up()
    {
        using ChannelListener listener = ChannelListener.Listen(new UnixAddress(Path.Combine(NewFolder(), "s")), backlog: 1);
        var options = new ConnectOptions { Timeout = Short, Retry = true };
        Assert.Equal(ChannelFault.TimedOut, Assert.Throws<ChannelException>(() =>
        {
            for (int i = 0; i < 10; i++)
                ChannelConnector.Connect(listener.Address, options);
        }).Fault);
    }

    [Fact]
    public void One_channel_is_accepted_once()
    {
        string path = Path.Combine(NewFolder(), "f");
        File.WriteAllBytes(path, Bytes(10));
        using ChannelListener listener = ChannelListener.Listen(new FileAddress(path));
        using (Channel channel = listener.Accept(Long))
            Assert.Equal(Bytes(10), ReadToEnd(channel));
        Assert.Equal(ChannelFault.NotSupported, Assert.Throws<ChannelException>(() => listener.Accept(Long)).Fault);
    }
}
