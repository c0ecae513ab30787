using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>
/// The rounds of a real migration as text: a line of what it is, a line of its options, a line of headings, and a line for each round, in
/// milliseconds and bytes. Written by <c>VmStateGen.Benchmarks histories</c>.
/// </summary>
internal sealed record RoundHistory(string Title, MigrationSourceOptions Options, IReadOnlyList<RecordedRound> Rounds)
{
    private const string Headings = "elapsed-ms round-ms sent dirtied known-precopy known-stopcopy precopy stopcopy all bytes-per-second overhead-ms throttle decision";

    public SwitchReason Reason => Rounds[^1].Reason;

    /// <summary>The percentages that were taken from the vCPUs, each once, in order; without 0 at the beginning.</summary>
    public IReadOnlyList<int> Throttles
    {
        get
        {
            var steps = new List<int> { 0 };
            foreach (var round in Rounds)
            {
                if (round.Throttle != steps[^1])
                    steps.Add(round.Throttle);
            }
            return steps[1..];
        }
    }

    public static RoundHistory Read(string path)
    {
        var lines = File.ReadAllLines(path);
        if (lines.Length < 4 || lines[2] != Headings)
            throw new InvalidDataException($"{path}: expected a title, options, and the headings '{Headings}'");
        return new RoundHistory(lines[0], ParseOptions(lines[1]), [.. lines.Skip(3).Select(ParseRound)]);
    }

    public void Write(string path) => File.WriteAllLines(path, [Title, OptionsText(), Headings, .. Rounds.Select(RoundText)]);

    private static MigrationSourceOptions ParseOptions(string line)
    {
        var values = line.Split(' ').Select(static word => word.Split('=')).ToDictionary(static pair => pair[0], static pair => long.Parse(pair[1], CultureInfo.InvariantCulture));
        return new MigrationSourceOptions
        {
            DowntimeLimit = TimeSpan.FromMilliseconds(values["limit-ms"]),
            MaxBandwidth = values["bandwidth"],
            Deadline = values["deadline-ms"] > 0 ? TimeSpan.FromMilliseconds(values["deadline-ms"]) : null,
            MaxRounds = (int)values["rounds"],
            AutoConverge = values["auto-converge"] != 0,
            ThrottleInitial = (int)values["initial"],
            ThrottleIncrement = (int)values["increment"],
            MaxThrottle = (int)values["max-throttle"],
            Features = new MigrationFeatures { Xbzrle = values["xbzrle"] != 0 },
        };
    }

    private string OptionsText()
        => $"limit-ms={(long)Options.DowntimeLimit.TotalMilliseconds} bandwidth={Options.MaxBandwidth} deadline-ms={(long)(Options.Deadline ?? TimeSpan.Zero).TotalMilliseconds} "
            + $"rounds={Options.MaxRounds} auto-converge={(Options.AutoConverge ? 1 : 0)} initial={Options.ThrottleInitial} increment={Options.ThrottleIncrement} "
            + $"max-throttle={Options.MaxThrottle} xbzrle={(Options.Features.Xbzrle ? 1 : 0)}";

    private static RecordedRound ParseRound(string line)
    {
        var words = line.Split(' ');
        var (sinceSync, exact) = (Time(words[1]), new PendingData(Bytes(words[6]), Bytes(words[7])));
        return new RecordedRound(
            new MigrationRound(sinceSync, Bytes(words[2]), Bytes(words[3]), exact),
            new LinkState(Bytes(words[9]), Time(words[10]), Time(words[0]), sinceSync),
            new PendingData(Bytes(words[4]), Bytes(words[5])),
            Bytes(words[8]),
            (int)Bytes(words[11]),
            Enum.Parse<SwitchReason>(words[12]));

        static long Bytes(string word) => long.Parse(word, CultureInfo.InvariantCulture);

        static TimeSpan Time(string word) => TimeSpan.FromMilliseconds(double.Parse(word, CultureInfo.InvariantCulture));
    }

    private static string RoundText(RecordedRound round)
    {
        var (link, exact) = (round.Link, round.Round.Pending);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{link.Elapsed.TotalMilliseconds:0.000} {link.SinceSync.TotalMilliseconds:0.000} {round.Round.Bytes} {round.Round.DirtiedBytes} {round.Known.Precopy} {round.Known.Stopcopy} {exact.Precopy} {exact.Stopcopy} {round.All} {link.BytesPerSecond:0} {link.Overhead.TotalMilliseconds:0.000} {round.Throttle} {round.Reason}");
    }
}
