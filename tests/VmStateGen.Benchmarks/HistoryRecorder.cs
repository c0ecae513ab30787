using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using VmStateGen.Runtime;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Runtime.Tests.Migration;

namespace VmStateGen.Benchmarks;

/// <summary>Real migrations of guests of several kinds, recorded round by round for the tests of the policy.</summary>
internal static class HistoryRecorder
{
    private const long Bandwidth = 60_000_000;
    private static readonly MigrationSourceOptions Options = new() { DowntimeLimit = TimeSpan.FromMilliseconds(100), MaxBandwidth = Bandwidth };

    public static void Run(TextWriter output, string folder)
    {
        Directory.CreateDirectory(folder);
        Record("idle", "a guest that writes next to nothing", 10, Options);
        Record("below", "30 MB/s dirtied, half of what the link moves", 30, Options);
        Record("beyond-deadline", "90 MB/s dirtied, half as much again as the link moves, and a deadline", 90, Options with { Deadline = TimeSpan.FromSeconds(3) });
        Record("beyond-auto-converge", "the same with auto-converge", 90, Options with { AutoConverge = true, ThrottleInitial = 30, ThrottleIncrement = 20 });
        Record("beyond-rounds", "the same with a bound on rounds", 90, Options with { MaxRounds = 5 });
        Record("bursts", "90 MB/s dirtied for 1.5 s, then next to nothing for 0.5 s, and again", 90, Options, static (guest, time) => guest.Throttle(time.TotalSeconds % 2 < 1.5 ? 0 : 99));
        Record("xbzrle", "90 MB/s dirtied, four bytes a page, sent as differences", 90, Options with { Features = new MigrationFeatures { Xbzrle = true } });
        Record("growing-state", "30 MB/s dirtied, and state that can only be moved when the guest stands still and grows by 1 MB in each round", 30, Options, handler: static () => new GrowingState());

        void Record(string name, string title, int megabytesPerSecond, MigrationSourceOptions options, Action<DirtyingMachine, TimeSpan>? disturb = null, Func<IIterativeHandler>? handler = null)
        {
            // Next to nothing is a page in a while.
            var load = new DirtyingLoad(40, 4096, name == "idle" ? 10 : megabytesPerSecond * 1_000_000 / 4096);
            var rounds = new List<RecordedRound>();
            Migrate(load, options with { Recorder = rounds.Add }, disturb, handler);
            var history = new RoundHistory(title, options, rounds);
            history.Write(Path.Combine(folder, name + ".txt"));
            output.WriteLine($"{name}: {rounds.Count} rounds, {history.Reason}, throttles {string.Join(' ', history.Throttles)}");
        }
    }

    private static void Migrate(DirtyingLoad load, MigrationSourceOptions options, Action<DirtyingMachine, TimeSpan>? disturb, Func<IIterativeHandler>? handler)
    {
        using var from = new DirtyingMachine(load);
        using var to = new DirtyingMachine(load);
        if (handler != null)
        {
            from.Machine.Register("growing", handler());
            to.Machine.Register("growing", handler());
        }
        from.Fill();
        from.Resume();
        var (here, there) = SocketChannel.CreatePair();
        Task<MigrationResult> coming = new MigrationDestination(to.Machine).ReceiveAsync(there);
        Task<MigrationResult> going = new MigrationSource(from.Machine, options).MigrateAsync(here);
        long start = Stopwatch.GetTimestamp();
        while (!going.IsCompleted)
        {
            disturb?.Invoke(from, Stopwatch.GetElapsedTime(start));
            going.Wait(TimeSpan.FromMilliseconds(20));
        }
        going.GetAwaiter().GetResult();
        coming.GetAwaiter().GetResult();
    }

    /// <summary>Of which nobody knows how much it will be when the guest stands still.</summary>
    private sealed class GrowingState : IIterativeHandler
    {
        private long length;

        public uint Version => 1;

        public bool IsActive => true;

        public void Setup(IterationOutput output, MigrationFeatures features)
        {
        }

        public void Iterate(IterationOutput output, long budget)
        {
        }

        public PendingData QueryPending(bool exact)
        {
            length += exact ? 1_000_000 : 0;
            return new PendingData(0, length);
        }

        public void Complete(IterationOutput output)
        {
            var bytes = new byte[8 + length];
            System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes, length);
            output.Write(bytes);
        }

        public void SetupLoad(MigrationFeatures features)
        {
        }

        public void Load(StreamCursor input, SectionKind kind, uint version)
        {
            if (kind == SectionKind.End)
                input.Skip(checked((long)input.ReadUInt64("length")), "state");
        }

        public void Cleanup()
        {
        }
    }
}
