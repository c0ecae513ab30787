using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Benchmarks;

/// <summary>The inner loops of moving RAM against the same in C, in turns within one run: medians of ratios.</summary>
internal static class RamKernels
{
    private const int Page = 4096;
    private const int Pages = 8192;
    private const int Turns = 15;

    public static void Run(TextWriter output)
    {
        Bitmap(output);
        ZeroCheck(output);
        foreach (var changed in new[] { 0.0, 0.001, 0.05, 0.5 })
            Difference(output, changed);
    }

    /// <summary>1 TiB of guest: 32 MiB of bitmap.</summary>
    private static void Bitmap(TextWriter output)
    {
        const long Count = 1L << 28;
        var bitmap = new DirtyBitmap(Count);
        bitmap.SetAll();
        bitmap.ClearAll();
        var plain = new ulong[Count / 64];
        var random = new Random(1);
        for (var i = 0; i < Count / 100_000; i++)
            bitmap.Set(random.NextInt64(Count));
        bitmap.CopyWords(0, plain);
        var extents = new PageExtent[256];
        var found = 0L;
        Report(output, "bitmap of 1 TiB, 1e-5 dirty: extents against reading it in C",
            () =>
            {
                found = 0;
                var from = 0L;
                for (int count; (count = bitmap.ReadExtents(ref from, extents)) > 0;)
                    found += count;
            },
            () => Peers.ReadBitmap(plain[0], (nuint)plain.Length));
        if (found == 0)
            throw new InvalidOperationException("Nothing was found.");
    }

    private static void ZeroCheck(TextWriter output)
    {
        // Touched, or all of it would be the kernel's one page of zeros.
        var memory = new byte[Pages * Page];
        memory.AsSpan().Fill(1);
        memory.AsSpan().Clear();
        Report(output, "zero check, 32 MiB of zeros",
            () => ForEachPage(memory, static page => ZeroPage.IsZero(page) ? 1 : 0),
            () => ForEachPage(memory, static page => Peers.IsZero(page[0], Page)));
    }

    private static void Difference(TextWriter output, double changed)
    {
        var random = new Random(2);
        var old = new byte[Pages * Page];
        random.NextBytes(old);
        var now = (byte[])old.Clone();
        for (var i = 0; i < now.Length * changed; i++)
            now[random.Next(now.Length)] ^= 0x55;
        var room = new byte[Page];
        Report(output, $"XBZRLE, {changed * 100:0.###} % of the bytes changed, scattered",
            () =>
            {
                for (var at = 0; at < now.Length; at += Page)
                    XbzrleEncoder.Encode(old.AsSpan(at, Page), now.AsSpan(at, Page), room);
            },
            () =>
            {
                for (var at = 0; at < now.Length; at += Page)
                    Peers.Xbzrle(old[at], now[at], ref room[0], Page);
            });
    }

    private delegate int PageUser(ReadOnlySpan<byte> page);

    private static int ForEachPage(byte[] memory, PageUser use)
    {
        var sum = 0;
        for (var at = 0; at < memory.Length; at += Page)
            sum += use(memory.AsSpan(at, Page));
        return sum;
    }

    private static void Report(TextWriter output, string title, Action ours, Action theirs)
    {
        for (var warmUp = 0; warmUp < 30; warmUp++)
            ours();
        theirs();
        var turns = Enumerable.Range(0, Turns).Select(_ => (Ours: Time(ours), Theirs: Time(theirs))).ToArray();
        var ratio = Median([.. turns.Select(turn => turn.Theirs / turn.Ours)]);
        output.WriteLine($"{title}: {Median([.. turns.Select(turn => turn.Ours)]) * 1e3:0.00} ms, C {Median([.. turns.Select(turn => turn.Theirs)]) * 1e3:0.00} ms; speed {ratio:0.00} of C");
    }

    private static double Time(Action action)
    {
        var from = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(from).TotalSeconds;
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }
}
