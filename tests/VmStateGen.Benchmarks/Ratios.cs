using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;

namespace VmStateGen.Benchmarks;

/// <summary>
/// The table of docs/performance.md: every contender in turn, five times over, and the median of the ratios taken within one
/// round; on a machine whose clock wanders only those mean anything.
/// </summary>
internal static class Ratios
{
    private const int Rounds = 5;
    private const int Turns = 32;
    private const int Depths = 16;
    private const int DepthStep = 4096 / Depths;
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(6);

    public static void Run(TextWriter output)
    {
        var scalars = new ScalarBenchmarks();
        Table(output, "54 scalars, 201 bytes",
            ("memcpy", scalars.Memcpy),
            ("hand-written save", scalars.HandWrittenSave), ("generated save", scalars.GeneratedSave),
            ("hand-written load", scalars.HandWrittenLoad), ("generated load", scalars.GeneratedLoad),
            ("VmState.Save", scalars.OneCallSave), ("VmState.Load", scalars.OneCallLoad));
        var full = new FullBenchmarks();
        Table(output, "5,321 bytes",
            ("memcpy", full.Memcpy),
            ("hand-written save", full.HandWrittenSave), ("generated save", full.GeneratedSave),
            ("hand-written load", full.HandWrittenLoad), ("generated load", full.GeneratedLoad),
            ("BinaryWriter save", full.BinaryWriterSave), ("BinaryReader load", full.BinaryReaderLoad),
            ("Protobuf save", full.ProtobufSave), ("Protobuf load", full.ProtobufLoad),
            ("System.Text.Json save", full.JsonSave), ("System.Text.Json load", full.JsonLoad));
        var list = new ListBenchmarks();
        Table(output, "list of 1,000 structs, 15,001 bytes",
            ("memcpy", list.Memcpy),
            ("hand-written save", list.HandWrittenSave), ("generated save", list.GeneratedSave),
            ("hand-written load", list.HandWrittenLoad), ("generated load", list.GeneratedLoad));
        var versions = new VersionBenchmarks();
        Table(output, "ten versions",
            ("memcpy of version 1", versions.MemcpyOfVersion1),
            ("generated load of version 1", versions.GeneratedLoadOfVersion1),
            ("generated load of version 10", versions.GeneratedLoadOfVersion10));
        (MachineBenchmark? machine, string reason) = MachineBenchmark.CreateAsync().GetAwaiter().GetResult();
        if (machine is null)
        {
            output.WriteLine($"no -M pc: {reason}");
            return;
        }
        Table(output, $"-M pc of QEMU 10.0: {machine.Count} sections, {machine.Size} bytes",
            ("memcpy", machine.Memcpy), ("generated save", machine.Save), ("generated load", machine.Load));
    }

    private static void Table(TextWriter output, string title, params (string Name, Action Run)[] contenders)
    {
        foreach ((string _, Action run) in contenders)
            Measure(run, WarmUp);
        var times = new double[contenders.Length, Rounds];
        var turns = new double[contenders.Length, Turns];
        for (int round = 0; round < Rounds; round++)
        {
            // Short turns of everybody, and the median of each: what else the machine does for a moment then hits none of them.
            for (int turn = 0; turn < Turns; turn++)
            {
                for (int i = 0; i < contenders.Length; i++)
                    turns[i, turn] = MeasureAt(turn % Depths * DepthStep, contenders[i].Run);
            }
            for (int i = 0; i < contenders.Length; i++)
                times[i, round] = Median(Turns, turn => turns[i, turn]);
        }
        output.WriteLine($"{title}{Environment.NewLine}{"",-30} {"ns",10} {"of memcpy",10} {"of hand-written",16} {"allocated",10}");
        for (int i = 0; i < contenders.Length; i++)
        {
            string verb = contenders[i].Name.Split(' ')[^1];
            int byHand = Array.FindIndex(contenders, contender => contender.Name == "hand-written " + verb);
            output.WriteLine(
                $"{contenders[i].Name,-30} {Median(Rounds, round => times[i, round]),10:F1} {Median(Rounds, round => times[i, round] / times[0, round]),10:F2} "
                + $"{(byHand >= 0 ? Median(Rounds, round => times[i, round] / times[byHand, round]).ToString("F2") : ""),16} {Allocated(contenders[i].Run),10}");
        }
        output.WriteLine();
    }

    private static double Median(int count, Func<int, double> value) => Enumerable.Range(0, count).Select(value).Order().ElementAt(count / 2);

    /// <summary>
    /// Each turn from another depth of the stack: where its place within a page is that of the bytes, stores there and loads here are taken
    /// for the same and wait for each other (2 ns), and where a process has its stack is chance.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double MeasureAt(int depth, Action run)
    {
        Span<byte> room = stackalloc byte[depth];
        room.Clear();
        return Measure(run, Slice);
    }

    /// <returns>Nanoseconds a call.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double Measure(Action run, TimeSpan slice)
    {
        long calls = 0;
        long start = Stopwatch.GetTimestamp();
        TimeSpan elapsed;
        do
        {
            for (int i = 0; i < 256; i++)
                run();
            calls += 256;
            elapsed = Stopwatch.GetElapsedTime(start);
        }
        while (elapsed < slice);
        return elapsed.TotalNanoseconds / calls;
    }

    private static long Allocated(Action run)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        run();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
