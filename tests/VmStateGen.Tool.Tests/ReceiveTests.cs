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

/// <summary><c>vmstate receive</c> when things go wrong: what the source hears, what the user is told, and that nothing half-written stays.</summary>
public sealed class ReceiveTests : FolderTest
{
    private string Address => $"unix:{PathOf("socket")}";

    private string Target => PathOf("guest");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_source_is_told_once_the_file_has_its_name(bool hasReturnPath)
    {
        byte[] recording = LivePeer.Recording(hasReturnPath);
        var receive = LiveCli.Start("receive", Address, "-o", Target);
        receive.Address();
        bool wasThere = false;
        List<string> answers = await LivePeer.Source(Address, recording, waits: true, answer => wasThere = answer.Kind == ReturnPathMessageKind.Shut && File.Exists(Target));
        await receive.DoneAsync();
        Assert.Equal(hasReturnPath ? ["PONG 1", "SHUT 0"] : [], answers);
        Assert.Equal(hasReturnPath, wasThere);
        Assert.Equal(hasReturnPath, !receive.Output.Contains("no return path", StringComparison.Ordinal));
        Assert.Equal([Target], Directory.GetFiles(Path.GetDirectoryName(Target)!));
        File.WriteAllBytes(PathOf("recording"), recording);
        Assert.Equal(0, Cli.Run("diff", PathOf("recording"), Target).Code);
    }

    [Fact]
    public async Task Events_are_JSON_lines()
    {
        var receive = LiveCli.Start("receive", Address, "-o", Target, "--json");
        receive.Wait("listening");
        await LivePeer.Source(Address, LivePeer.Recording(hasReturnPath: true), waits: true);
        await receive.DoneAsync();
        string[] events = [.. receive.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()!)];
        Assert.Equal(["listening", "connected", "configuration", "ram", "round", "done"], events.Where(name => name != "progress").Distinct());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_link_that_is_cut_leaves_no_file(bool hasReturnPath)
    {
        byte[] recording = LivePeer.Recording(hasReturnPath);
        int eof = LivePeer.EofOffset(recording);
        var random = new Random(3);
        // In the whole of it, and between EOF and the end of the trailer: the source may take itself for completed there.
        IEnumerable<int> cuts = Enumerable.Range(0, 60).Select(_ => random.Next(recording.Length))
            .Concat(Enumerable.Range(0, 20).Select(_ => random.Next(eof, recording.Length)))
            .Concat([0, eof, eof + 1, eof + 2, eof + 6, recording.Length - 1]);
        foreach (int cut in cuts)
        {
            var receive = LiveCli.Start("receive", Address, "-o", Target);
            receive.Address();
            await LivePeer.Source(Address, recording[..cut], waits: false);
            int code = await receive.CodeAsync();
            // Without its trailer it is a whole stream of a machine that sends none; but a source that waits for an answer does not close.
            bool isWhole = cut == eof + 1 && !hasReturnPath;
            Assert.True(code == (isWhole ? 0 : 4), $"{cut}: {code} {receive.Errors}");
            Assert.Equal(isWhole, File.Exists(Target));
            File.Delete(Target);
            Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Target)!));
            if (!isWhole && !hasReturnPath)
                Assert.Contains("the source has already ended", receive.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_damaged_stream_is_refused_or_another_value_and_never_waited_on_for_ever()
    {
        byte[] recording = LivePeer.Recording(hasReturnPath: true);
        var random = new Random(5);
        for (int round = 0; round < 60; round++)
        {
            var damaged = (byte[])recording.Clone();
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            Task<(int Code, string Said)> job = Job(CancellationToken.None, silence: TimeSpan.FromMilliseconds(200));
            Task<List<string>> source = LivePeer.Source(Address, damaged, waits: true, isOver: true);
            (int code, string said) = await job;
            await source;
            Assert.True(code is 0 or 1 or 4, said);
            Assert.Equal(code == 0, File.Exists(Target));
            File.Delete(Target);
            Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Target)!));
        }
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(100_000, true)]
    [InlineData(1_050_000, true)]
    [InlineData(100_000, false)]
    [InlineData(1_050_000, false)]
    public async Task A_full_disk_leaves_the_guest_to_the_source(long room, bool hasReturnPath)
    {
        Task<(int Code, string Said)> job = Job(CancellationToken.None, wrap: file => new FullDisk(file, room));
        List<string> answers = await LivePeer.Source(Address, LivePeer.Recording(hasReturnPath), waits: true);
        (int code, string said) = await job;
        Assert.Equal(4, code);
        Assert.Contains("no room", said, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Target)!));
        if (hasReturnPath)
            Assert.Equal("SHUT 1", answers[^1]);
    }

    [Fact]
    public async Task What_fails_after_a_source_without_return_path_says_that_it_has_ended()
    {
        // The last thing that is written: the trailer.
        byte[] recording = LivePeer.Recording(hasReturnPath: false);
        Task<(int Code, string Said)> job = Job(CancellationToken.None, wrap: file => new FullDisk(file, long.MaxValue, "\"devices\""));
        await LivePeer.Source(Address, recording, waits: false);
        (int code, string said) = await job;
        Assert.Equal(4, code);
        Assert.Contains("the source has already ended", said, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Target)!));
    }

    [Fact]
    public async Task A_name_that_cannot_be_given_is_told_the_source()
    {
        Task<(int Code, string Said)> job = Job(CancellationToken.None, wrap: file =>
        {
            Directory.CreateDirectory(Target);
            return file;
        });
        List<string> answers = await LivePeer.Source(Address, LivePeer.Recording(hasReturnPath: true), waits: true);
        (int code, string said) = await job;
        Assert.Equal((4, "SHUT 1"), (code, answers[^1]));
        Assert.Contains("it has become a Directory", said, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Target)!));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(30)]
    [InlineData(9000)]
    [InlineData(17000)]
    public async Task A_cancel_tells_the_source_and_leaves_nothing(int sent)
    {
        byte[] recording = LivePeer.Recording(hasReturnPath: true);
        using var stop = new CancellationTokenSource();
        Task<(int Code, string Said)> job = Job(stop.Token);
        Task<List<string>>? source = null;
        Assert.True(SpinWait.SpinUntil(() => File.Exists(PathOf("socket")), LivePeer.Limit), "it does not listen");
        if (sent >= 0)
        {
            var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            source = LivePeer.Source(Address, recording[..Math.Clamp(sent, 60, recording.Length - 5)], waits: true, _ => answered.TrySetResult());
            await answered.Task.WaitAsync(LivePeer.Limit);
        }
        await stop.CancelAsync();
        (int code, string said) = await job;
        Assert.Equal(4, code);
        Assert.Contains("it was cancelled", said, StringComparison.Ordinal);
        if (source != null)
            Assert.Equal("SHUT 1", (await source)[^1]);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Target)!));
    }

    [Fact]
    public async Task A_machine_without_trailer_ends_where_its_source_closes_or_waits_with_all_sent()
    {
        foreach (bool hasReturnPath in new[] { false, true })
        {
            Task<(int Code, string Said)> job = Job(CancellationToken.None, quiet: TimeSpan.FromMilliseconds(200));
            List<string> answers = await LivePeer.Source(Address, LivePeer.Recording(hasReturnPath, trailer: false), waits: hasReturnPath);
            (int code, string said) = await job;
            Assert.True(code == 0, said);
            Assert.Equal(hasReturnPath ? ["PONG 1", "SHUT 0"] : [], answers);
            Assert.Equal(0, Cli.Run("inspect", Target, "--no-trailer").Code);
            File.Delete(Target);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_source_that_falls_silent_before_its_end_is_told_that_it_has_failed(bool hasTrailer)
    {
        // Cut everywhere in its devices, also behind bytes that are zero as EOF is, and in the description.
        byte[] recording = LivePeer.Recording(hasReturnPath: true, hasTrailer);
        int eof = LivePeer.EofOffset(recording);
        int devices = LivePeer.DevicesOffset(recording);
        IEnumerable<int> cuts = [.. Enumerable.Range(0, 8).Select(i => devices + (eof - devices) * i / 8), eof - 1, eof, .. hasTrailer ? [eof + 2, eof + 6, recording.Length - 1] : Array.Empty<int>()];
        foreach (int cut in cuts)
        {
            Task<(int Code, string Said)> job = Job(CancellationToken.None, silence: TimeSpan.FromMilliseconds(400), quiet: TimeSpan.FromMilliseconds(100));
            List<string> answers = await LivePeer.Source(Address, recording[..cut], waits: true);
            (int code, string said) = await job;
            Assert.True((code, answers[^1]) == (4, "SHUT 1"), $"{cut - eof}: {code} {said}");
            Assert.Contains("nobody but QEMU knows where a device ends", said, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Target)!));
        }
    }

    [Fact]
    public void Wrong_usage_and_places_have_their_codes()
    {
        Assert.Equal(2, Cli.Run("receive", Address).Code);
        Assert.Equal(2, Cli.Run("receive", "somewhere", "-o", Target).Code);
        Assert.Equal(4, Cli.Run("receive", Address, "-o", PathOf("no/such/guest")).Code);
        Assert.Equal(4, Cli.Run("receive", $"unix:{PathOf("no/such/socket")}", "-o", Target).Code);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Target)!));
    }

    /// <summary>The command's work with what only a test can ask for.</summary>
    private Task<(int Code, string Said)> Job(
        CancellationToken token, TimeSpan? silence = null, Func<Stream, Stream>? wrap = null, TimeSpan? quiet = null) => Task.Factory.StartNew(
        () =>
        {
            var log = new LiveLog(new ToolOutput(TextWriter.Null, TextWriter.Null), isJson: false);
            try
            {
                int code = new ReceiveJob(log, token)
                {
                    Address = ChannelAddress.Parse(Address),
                    File = Target,
                    Silence = silence ?? TimeSpan.FromSeconds(30),
                    Quiet = quiet ?? TimeSpan.FromSeconds(5),
                    Wrap = wrap ?? (static file => file),
                }.Run();
                return (code, "");
            }
            catch (LiveException e)
            {
                return (e.Code, e.Message);
            }
        },
        TaskCreationOptions.LongRunning);

    /// <summary>A file that takes so many bytes, or none that hold a certain text.</summary>
    private sealed class FullDisk(Stream file, long room, string? forbidden = null) : Stream
    {
        private long written;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => file.Position = value; }

        public override int Read(Span<byte> buffer) => file.Read(buffer);

        public override int Read(byte[] buffer, int offset, int count) => file.Read(buffer, offset, count);

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            // By place: a mapped-ram file has holes.
            written = Math.Max(written, file.Position + buffer.Length);
            if (written > room || (forbidden != null && buffer.IndexOf(System.Text.Encoding.ASCII.GetBytes(forbidden)) >= 0))
                throw new IOException("no room");
            file.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => file.Flush();

        public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

        public override void SetLength(long value) => file.SetLength(value);
    }
}
