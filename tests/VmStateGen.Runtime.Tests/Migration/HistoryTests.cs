using System;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>The policy on histories of real migrations (Histories/, a link of 60 MB/s and a limit of 100 ms): it is asked again, and asked otherwise.</summary>
public sealed class HistoryTests
{
    public static TheoryData<string> Names => [.. Directory.GetFiles(Folder, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)!).Order()];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Migration", "Histories");

    [Theory]
    [MemberData(nameof(Names))]
    public void The_tracker_was_asked_when_that_was_worth_while(string name)
    {
        var history = Read(name);
        Assert.All(history.Rounds, round => Assert.True(Convergence.ShouldQuery(round.Known, round.Link, history.Options, round.All)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Nothing_takes_less_than_no_time(string name)
        => Assert.All(Read(name).Rounds, round => Assert.True(round.Link.Overhead >= TimeSpan.Zero && round.Link.SinceSync >= TimeSpan.Zero && round.Link.SinceSync <= round.Link.Elapsed));

    [Theory]
    [MemberData(nameof(Names))]
    public void The_guest_is_stopped_at_the_last_round_and_at_none_before(string name)
    {
        var history = Read(name);
        Assert.NotEqual(SwitchReason.None, history.Reason);
        Assert.Equal([.. Enumerable.Repeat(SwitchReason.None, history.Rounds.Count - 1), history.Reason], Decisions(history, history.Options));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void As_much_is_taken_from_the_vcpus_as_then(string name)
    {
        var history = Read(name);
        Assert.Equal(history.Rounds.Select(round => round.Throttle), Throttles(history, history.Options));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_guest_is_stopped_for_its_limit_whose_rest_does_not_fit(string name)
    {
        var history = Read(name);
        foreach (var round in history.Rounds)
        {
            var rest = round.Link.Overhead + TimeSpan.FromSeconds(round.Round.Pending.Total / round.Link.BytesPerSecond);
            if (round.Reason == SwitchReason.Fits)
                Assert.True(rest <= history.Options.DowntimeLimit, $"{name}: {rest} at {round.Link.Elapsed}");

            // A quarter is kept in reserve; who is within the rest of it does not wait.
            else if (round.Reason == SwitchReason.None)
                Assert.True(rest > history.Options.DowntimeLimit * 0.75, $"{name}: {rest} at {round.Link.Elapsed}");
        }
    }

    [Fact]
    public void With_less_of_a_limit_it_would_have_gone_on_and_with_more_ended_earlier()
    {
        var history = Read("below");
        Assert.DoesNotContain(SwitchReason.Fits, Decisions(history, history.Options with { DowntimeLimit = TimeSpan.FromMilliseconds(5) }));
        Assert.Equal(SwitchReason.Fits, Decisions(history, history.Options with { DowntimeLimit = TimeSpan.FromSeconds(1) })[0]);
    }

    [Fact]
    public void Without_a_bound_on_rounds_nothing_would_have_ended_it()
    {
        var history = Read("beyond-rounds");
        Assert.DoesNotContain(Decisions(history, history.Options with { MaxRounds = 0 }), reason => reason != SwitchReason.None);
        Assert.Equal(SwitchReason.Rounds, Decisions(history, history.Options with { MaxRounds = 2 })[1]);
    }

    [Fact]
    public void Without_a_word_about_it_no_vcpu_is_slowed_down()
    {
        foreach (var name in new[] { "beyond-auto-converge", "beyond-deadline" })
        {
            var history = Read(name);
            Assert.NotEmpty(history.Throttles);
            Assert.DoesNotContain(Throttles(history, history.Options with { AutoConverge = false, Deadline = null }), percent => percent != 0);
        }
    }

    [Fact]
    public void A_deadline_that_is_near_stops_a_guest_that_does_not_fit()
    {
        // The whole working set is dirty again after each of these rounds: a quarter of a second of the link, and a quarter of that in reserve.
        var history = Read("beyond-rounds");
        var last = history.Rounds[^1];
        var rest = last.Link.Overhead + TimeSpan.FromSeconds(last.Round.Pending.Total / last.Link.BytesPerSecond);
        var options = history.Options with { MaxRounds = 0, Deadline = last.Link.Elapsed + rest * 1.24 };
        Assert.Equal(SwitchReason.Deadline, Decisions(history, options)[^1]);
        Assert.Equal(SwitchReason.None, Decisions(history, options with { Deadline = last.Link.Elapsed + rest * 1.26 })[^1]);
    }

    private static RoundHistory Read(string name) => RoundHistory.Read(Path.Combine(Folder, name + ".txt"));

    private static SwitchReason[] Decisions(RoundHistory history, MigrationSourceOptions options)
        => [.. history.Rounds.Select((round, index) => Convergence.ShouldSwitch(round.Round.Pending, round.Link, options, index + 1))];

    private static int[] Throttles(RoundHistory history, MigrationSourceOptions options)
    {
        var state = default(Throttling);
        return [.. history.Rounds.Select(round => (state = state.After(round.Round, round.Link, options)).Percent)];
    }
}
