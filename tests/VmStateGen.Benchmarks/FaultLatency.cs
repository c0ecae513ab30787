using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Benchmarks;

/// <summary>
/// How long a thread waits for a missing page that is at hand: our pager against the least that C can do (tests/peers/fault.c), each in a
/// process of its own, in turns. The median of the ratios is what means anything.
/// </summary>
internal static class FaultLatency
{
    private const int Pages = 20_000;
    private const int Rounds = 11;

    public static void Run(TextWriter output)
    {
        string folder = Directory.CreateTempSubdirectory("vmsg-").FullName;
        try
        {
            string program = Path.Combine(folder, "fault");
            Start("gcc", "-O2", "-pthread", "-o", program, Path.Combine(Root(), "tests", "peers", "fault.c"));
            var ratios = new double[Rounds];
            var (ours, theirs) = (new double[Rounds], new double[Rounds]);

            // The first of both is for the processor's clock and the caches.
            Measure();
            for (int round = 0; round < Rounds; round++)
            {
                // Whoever comes second finds the machine as the first has left it.
                if (round % 2 == 0)
                    (ours[round], theirs[round]) = (Measure(), Peer(program));
                else
                    (theirs[round], ours[round]) = (Peer(program), Measure());
                ratios[round] = ours[round] / theirs[round];
            }
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"touch of a missing page, median of {Pages}: ours {Median(ours) / 1000:0.00} µs, C {Median(theirs) / 1000:0.00} µs"));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio, median of {Rounds} turns: {Median(ratios):0.00} ({ratios.Min():0.00} to {ratios.Max():0.00})"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Our side, called in a process of its own too.</summary>
    public static double Touch()
    {
        using var memory = new GuestMemory();
        RamBlock ram = memory.AddBlock("ram", (long)Pages * 4096);
        var source = new PageAtHand();
        using var pager = new Pager(memory, [ram], source);
        source.Pager = pager;
        pager.Start();
        var times = new long[Pages];
        Span<byte> found = stackalloc byte[1];
        for (int page = 0; page < Pages; page++)
        {
            long from = Stopwatch.GetTimestamp();
            memory.Read(ram, (long)page * 4096, found);
            times[page] = Stopwatch.GetTimestamp() - from;
            if (found[0] != 1)
                throw new InvalidOperationException($"Page {page} is wrong.");
        }
        Array.Sort(times);
        return times[Pages / 2] * 1e9 / Stopwatch.Frequency;
    }

    private static double Measure() => double.Parse(Start(Environment.ProcessPath!, typeof(FaultLatency).Assembly.Location, "faults-ours"), CultureInfo.InvariantCulture);

    private static double Peer(string program)
        => double.Parse(Start(program, Pages.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    private static string Start(string program, params string[] arguments)
    {
        // Started by dotnet the program is dotnet, and takes the assembly first; started by itself it is itself.
        if (Path.GetFileNameWithoutExtension(program) != "dotnet" && arguments is [var first, ..] && first.EndsWith(".dll", StringComparison.Ordinal))
            arguments = arguments[1..];
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? said.Trim() : throw new InvalidOperationException($"{program} ended with {process.ExitCode}");
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VmStateGen.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("VmStateGen.sln is not above the program.");
    }

    private sealed class PageAtHand : IPageSource
    {
        private readonly byte[] page = GC.AllocateArray<byte>(4096, pinned: true);

        public PageAtHand() => page[0] = 1;

        public Pager? Pager { get; set; }

        public void Request(RamBlock block, long offset, int length) => Pager!.TryPlace(block, offset, page);
    }
}
