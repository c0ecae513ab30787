using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Live;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Tests;

/// <summary><c>vmstate send</c> to destinations of every mood.</summary>
public sealed class SendTests : FolderTest
{
    private static readonly byte[] LastPing = [0x08, 0, 2, 0, 4, 0, 0, 0, 2];

    private string Address => $"unix:{PathOf("socket")}";

    [Fact]
    public async Task EOF_goes_out_when_everything_has_loaded_and_not_before()
    {
        byte[] beforeAnswer = [];
        byte[] after = [];
        Task destination = LivePeer.Destination(Address, channel =>
        {
            beforeAnswer = ReadUntil(channel, LastPing);
            channel.Write(ReturnPathMessage.Pong(2).ToBytes());
            after = ReadUntil(channel, "}]}"u8.ToArray());
            channel.Write(ReturnPathMessage.Shut(0).ToBytes());
        });
        (int code, string _, string errors) = Send(PathOf("guest"));
        Assert.True(code == 0, errors);
        await destination;
        // The footer of the last section, the PING, and nothing behind it.
        Assert.Equal([0x7E, 0, 0, 0, 11, .. LastPing], beforeAnswer[^14..]);
        Assert.Equal([0, 6], after[..2]);

        // Without the commands of the return path it is the file in plain layout.
        Assert.Equal(0, Cli.Run("convert", PathOf("guest"), PathOf("plain"), "--to", "plain").Code);
        byte[] plain = File.ReadAllBytes(PathOf("plain"));
        Assert.Equal(plain.Length + 5 + 9 + 9, beforeAnswer.Length + after.Length);
        Assert.Equal(plain[^after.Length..], after);
    }

    [Fact]
    public async Task Without_a_return_path_it_is_the_plain_file_and_nothing_else()
    {
        byte[] taken = [];
        Task destination = LivePeer.Destination(Address, channel => taken = ReadUntil(channel, null));
        (int code, string _, string errors) = Send(PathOf("guest"), "--no-return-path");
        Assert.True(code == 0, errors);
        await destination;
        Assert.Equal(0, Cli.Run("convert", PathOf("guest"), PathOf("plain"), "--to", "plain").Code);
        Assert.Equal(File.ReadAllBytes(PathOf("plain")), taken);
        Assert.Equal(0, Send(PathOf("guest"), address: $"file:{PathOf("copy")}").Code);
        Assert.Equal(taken, File.ReadAllBytes(PathOf("copy")));
    }

    [Fact]
    public async Task A_destination_that_refuses_is_quoted_and_has_no_guest()
    {
        Task destination = LivePeer.Destination(Address, channel =>
        {
            ReadUntil(channel, LastPing);
            channel.Write(ReturnPathMessage.Shut(1).ToBytes());
            channel.ShutdownWrite();
            ReadUntil(channel, null);
        });
        (int code, string _, string errors) = Send(PathOf("guest"));
        await destination;
        Assert.Equal(4, code);
        Assert.Contains("refused it (SHUT 1)", errors, StringComparison.Ordinal);
        Assert.Contains("the destination does not run the guest", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "closed the connection without an answer; whether the destination runs the guest is not known")]
    [InlineData(true, "refused it (SHUT 1): its own output says why; whether the destination runs the guest is not known")]
    public async Task After_EOF_nobody_knows(bool isShut, string words)
    {
        Task destination = LivePeer.Destination(Address, channel =>
        {
            ReadUntil(channel, LastPing);
            channel.Write(ReturnPathMessage.Pong(2).ToBytes());
            ReadUntil(channel, "}]}"u8.ToArray());
            if (isShut)
                channel.Write(ReturnPathMessage.Shut(1).ToBytes());
        });
        (int code, string _, string errors) = Send(PathOf("guest"));
        await destination;
        Assert.Equal(4, code);
        Assert.Contains(words, errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancel_and_a_silent_destination_end_it_before_EOF()
    {
        foreach (bool isCancelled in new[] { true, false })
        {
            Write("guest", ToolStream.Make());
            byte[] taken = [];
            Task destination = LivePeer.Destination(Address, channel => taken = ReadUntil(channel, null));
            using var stop = new CancellationTokenSource();
            if (isCancelled)
                stop.CancelAfter(300);
            var job = new SendJob(new LiveLog(new ToolOutput(TextWriter.Null, TextWriter.Null), isJson: false), stop.Token)
            {
                File = PathOf("guest"),
                Address = ChannelAddress.Parse(Address),
                Wait = TimeSpan.FromSeconds(20),
                Silence = isCancelled ? TimeSpan.FromMinutes(1) : TimeSpan.FromMilliseconds(300),
            };
            LiveException e = Assert.Throws<LiveException>(() => job.Run());
            await destination;
            Assert.Equal(4, e.Code);
            Assert.Contains(isCancelled ? "it was cancelled" : "nothing was sent for 0.3 s", e.Message, StringComparison.Ordinal);
            Assert.Contains("the destination does not run the guest", e.Message, StringComparison.Ordinal);
            Assert.Equal(LastPing, taken[^LastPing.Length..]);
        }
    }

    [Fact]
    public async Task A_damaged_file_is_found_before_anything_is_sent()
    {
        Write("bad", ToolStream.Make()[..^700]);
        bool hasCome = false;
        using var listener = ChannelListener.Listen(ChannelAddress.Parse(Address));
        Assert.Equal(1, Cli.Run("send", PathOf("bad"), Address).Code);
        Assert.Equal(3, Cli.Run("send", PathOf("none"), Address).Code);
        Assert.Throws<ChannelException>(() => hasCome = listener.Accept(TimeSpan.Zero) != null);
        Assert.False(hasCome);
        Assert.Equal(4, Cli.Run("send", Write("guest", ToolStream.Make()), $"unix:{PathOf("nobody")}").Code);
        Assert.Equal(2, Cli.Run("send", PathOf("guest"), "nowhere").Code);
        Assert.Equal(2, Cli.Run("send", PathOf("guest"), Address, "--wait", "long").Code);
        await Task.CompletedTask;
    }

    private (int Code, string Output, string Errors) Send(string file, string? option = null, string? address = null)
    {
        // A file as QEMU writes it, with the commands of its own return path.
        Write("guest", ToolStream.Make());
        string[] args = ["send", file, address ?? Address, "--wait", "20"];
        return Cli.Run(option == null ? args : [.. args, option]);
    }

    private static byte[] ReadUntil(Channel channel, byte[]? end)
    {
        var all = new MemoryStream();
        var chunk = new byte[65536];
        try
        {
            while (channel.Read(chunk) is > 0 and var count)
            {
                all.Write(chunk, 0, count);
                if (end != null && all.GetBuffer().AsSpan(0, (int)all.Length).EndsWith(end))
                    break;
            }
        }
        catch (ChannelException)
        {
            // A sender that gives up may reset the connection.
        }
        return all.ToArray();
    }
}
