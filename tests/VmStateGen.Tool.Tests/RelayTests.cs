using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Live;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Tests;

/// <summary><c>vmstate relay</c>: what goes in comes out, whatever it is, and what it is is told.</summary>
public sealed class RelayTests : FolderTest
{
    private string In => $"unix:{PathOf("in")}";

    private string Out => $"unix:{PathOf("out")}";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Everything_passes_both_ways_is_told_and_recorded(bool hasReturnPath)
    {
        byte[] recording = LivePeer.Recording(hasReturnPath);
        byte[] taken = [];
        Task destination = LivePeer.Destination(Out, channel => taken = Take(channel, recording.Length, hasReturnPath));
        var relay = LiveCli.Start("relay", In, Out, "--record", PathOf("record"), "--wait", "20", "--json");
        relay.Wait("listening");
        List<string> answers = await LivePeer.Source(In, recording, waits: hasReturnPath);
        await relay.DoneAsync();
        await destination;
        Assert.Equal(recording, taken);
        Assert.Equal(recording, File.ReadAllBytes(PathOf("record")));
        Assert.Equal(hasReturnPath ? ["PONG 1", "SHUT 0"] : [], answers);

        JsonElement[] events = [.. relay.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(["early", "dev", "dev", "slirp"], Of(events, "section").Select(e => e.GetProperty("name").GetString()));
        Assert.Equal(hasReturnPath ? ["Pong", "Shut"] : [], Of(events, "answer").Select(e => e.GetProperty("message").GetString()));
        Assert.Equal(2, Of(events, "round").Count());
        Assert.Equal(recording.Length, Of(events, "done").Single().GetProperty("bytes").GetInt64());
    }

    [Fact]
    public async Task What_is_not_understood_passes_all_the_same()
    {
        byte[] recording = LivePeer.Recording(hasReturnPath: false);
        recording[recording.AsSpan().IndexOf("\u0003ram"u8) + 20] ^= 0xFF;
        byte[] taken = [];
        Task destination = LivePeer.Destination(Out, channel => taken = Take(channel, recording.Length, hasReturnPath: false));
        var relay = LiveCli.Start("relay", In, Out, "--record", PathOf("record"), "--wait", "20");
        relay.Address();
        Task<List<string>> source = LivePeer.Source(In, recording, waits: false);
        int code = await relay.CodeAsync();
        await source;
        await destination;
        Assert.Equal(1, code);
        Assert.Contains("not understood", relay.Errors, StringComparison.Ordinal);
        Assert.Equal(recording, taken);
        Assert.Equal(recording, File.ReadAllBytes(PathOf("record")));
    }

    [Fact]
    public async Task A_cut_on_either_side_cuts_the_other()
    {
        byte[] recording = LivePeer.Recording(hasReturnPath: true);
        var random = new Random(11);
        for (int round = 0; round < 12; round++)
        {
            int cut = random.Next(100, recording.Length - 1);
            bool isSource = round % 2 == 0;
            byte[] taken = [];
            Task destination = LivePeer.Destination(Out, channel => taken = Take(channel, isSource ? recording.Length : cut, hasReturnPath: false));
            var relay = LiveCli.Start("relay", In, Out, "--wait", "20");
            relay.Address();
            Task<List<string>> source = LivePeer.Source(In, isSource ? recording[..cut] : recording, waits: !isSource);
            int code = await relay.CodeAsync();
            await destination;
            await source;
            Assert.True(code == 4, $"{cut}, {isSource}: {relay.Output}{relay.Errors}");
            Assert.Equal(recording[..Math.Min(cut, taken.Length)], taken[..Math.Min(cut, taken.Length)]);
        }
    }

    [Fact]
    public async Task A_refusal_and_a_cancel_have_their_words()
    {
        byte[] recording = LivePeer.Recording(hasReturnPath: true);
        Task destination = LivePeer.Destination(Out, channel => Take(channel, recording.Length, hasReturnPath: true, shut: 1));
        var relay = LiveCli.Start("relay", In, Out, "--wait", "20");
        relay.Address();
        Assert.Equal("SHUT 1", (await LivePeer.Source(In, recording, waits: true))[^1]);
        Assert.Equal(4, await relay.CodeAsync());
        await destination;
        Assert.Contains("the destination has refused the migration (SHUT 1)", relay.Errors, StringComparison.Ordinal);

        using var stop = new CancellationTokenSource();
        var passed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        destination = LivePeer.Destination(Out, channel =>
        {
            Take(channel, 5000, hasReturnPath: false);
            passed.SetResult();
            Take(channel, recording.Length, hasReturnPath: false);
        });
        Task<LiveException> job = Task.Factory.StartNew(() => Assert.Throws<LiveException>(() =>
            new RelayJob(new LiveLog(new ToolOutput(TextWriter.Null, TextWriter.Null), isJson: false), stop.Token)
            {
                Listen = ChannelAddress.Parse(In),
                Destination = ChannelAddress.Parse(Out),
                Wait = TimeSpan.FromSeconds(20),
                Record = PathOf("record"),
            }.Run()), TaskCreationOptions.LongRunning);
        Task<List<string>> source = LivePeer.Source(In, recording[..5000], waits: true);
        await passed.Task.WaitAsync(LivePeer.Limit);
        await stop.CancelAsync();
        LiveException e = await job;
        Assert.Equal(4, e.Code);
        Assert.Contains("it was cancelled", e.Message, StringComparison.Ordinal);
        await source;
        await destination;
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(PathOf("x"))!, "record*"));
    }

    [Fact]
    public void Wrong_usage_and_places_have_their_codes()
    {
        Assert.Equal(2, Cli.Run("relay", In).Code);
        Assert.Equal(2, Cli.Run("relay", In, "nowhere").Code);
        Assert.Equal(4, Cli.Run("relay", In, Out, "--record", PathOf("no/such/file")).Code);
    }

    private static IEnumerable<JsonElement> Of(JsonElement[] events, string kind) => events.Where(e => e.GetProperty("event").GetString() == kind);

    /// <summary>A destination that takes so many bytes and answers.</summary>
    private static byte[] Take(Channel channel, int length, bool hasReturnPath, uint shut = 0)
    {
        var all = new byte[length];
        int count = 0;
        try
        {
            if (hasReturnPath)
                channel.Write(ReturnPathMessage.Pong(1).ToBytes());
            while (count < length && channel.Read(all.AsSpan(count)) is > 0 and var more)
                count += more;
            if (hasReturnPath)
                channel.Write(ReturnPathMessage.Shut(shut).ToBytes());
        }
        catch (ChannelException)
        {
            // The relay has closed the connection.
        }
        return all[..count];
    }
}
