using System;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Tests.Channels;
using VmStateGen.Runtime.Tests.Linux;
using VmStateGen.Runtime.Tests.Migration;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>What a destination of postcopy refuses, and other kinds of memory than small pages.</summary>
public sealed class PostcopyProtocolTests : IDisposable
{
    private static readonly SimulatedOptions Shape = new() { MiB = 4, Cpus = 1, PagesEach = 64 };

    private readonly Watchdog watchdog = new();
    private readonly Collector collector = new();
    private readonly SimulatedVm from = new(Shape);

    public PostcopyProtocolTests() => UserFaultAbiTests.SkipWithout(UserFaultFeatures.EventRemove | UserFaultFeatures.ThreadId);

    public void Dispose()
    {
        from.Dispose();
        collector.Dispose();
        watchdog.Dispose();
    }

    [SkippableFact]
    public void What_the_protocol_does_not_allow_is_refused_before_the_guest_runs()
    {
        Refused("command PostcopyAdvise: expected page sizes 0x1000 and 0x1000, as here, found 0x201000 and 0x1000", source => source.Begin(blockSizes: 0x201000));
        Refused("OPEN_RETURN_PATH before it", source => source.Begin(withReturnPath: false));
        Refused("command PostcopyListen: expected POSTCOPY_ADVISE", source =>
        {
            source.Begin(withAdvice: false);
            source.SendPackage();
        });
        Refused("sim.ram: expected whole pages of 0x1000 bytes within its 0x400000, found 0x1000 bytes at 0x400000", source =>
        {
            source.Begin();
            source.Discard(from.Memory.Blocks[0], (0x400000, 0x1000));
        });
        Refused("found 0x800 bytes at 0x0", source =>
        {
            source.Begin();
            source.Discard(from.Memory.Blocks[0], (0, 0x800));
        });
        Refused("at most 16 bytes", source =>
        {
            source.Begin();
            source.SendPackage();
        }, new PostcopyOptions { MaxPackage = 16 });
        Refused("expected LISTEN, whole sections, PINGs, and RUN at the end, found PostcopyRun", source =>
        {
            source.Begin();
            source.SendPackage(static _ => [8, 0, 5, 0, 0]);
        });
        Refused("package › ", source =>
        {
            source.Begin();
            source.SendPackage(static package => package[..^5]);
        });
        Refused("postcopy-preempt takes a second connection", source => source.Begin(), new PostcopyOptions { Preempt = true });
        Refused("for postcopy set MigrationDestinationOptions.Postcopy", source => source.Begin(), isOffered: false);

        void Refused(string why, Action<PostcopyPeer> act, PostcopyOptions? options = null, bool isOffered = true)
        {
            using var other = new SimulatedVm(Shape);
            var (first, second) = ChannelFixture.Connect("pair");
            using var source = new PostcopyPeer(from.Machine, first);
            var received = new MigrationDestination(other.Machine, new MigrationDestinationOptions { Postcopy = isOffered ? options ?? PostcopyOptions.Default : null }).ReceiveAsync(second);
            try
            {
                act(source);
            }
            catch (ChannelException)
            {
                // It was refused while more was said.
            }
            var error = DestinationPostcopyTests.Failure(received);
            Assert.Contains(why, error.Message, StringComparison.Ordinal);
            Assert.Equal(MigrationStatus.Failed, error.Status);
            Assert.False(other.IsRunning);
        }
    }

    [SkippableTheory]
    [InlineData("huge", false)]
    [InlineData("huge, minor", true)]
    [InlineData("shared, minor", true)]
    public void Huge_pages_come_whole_and_shared_ones_are_shown(string kind, bool minor)
    {
        using var first = new Blocks(kind, 8);
        using var second = new Blocks(kind, 8);
        var lifecycle = new BareVm();
        first.Memory.AddBlock("small", 64 << 12);
        second.Memory.AddBlock("small", 64 << 12);
        for (var i = 0; i < 8; i++)
            first.Memory.Write(first.Ram, (long)i * first.Unit, first.Expected((long)i * first.Unit));
        var (near, far) = ChannelFixture.Connect("pair");
        using var source = new PostcopyPeer(new Runtime.Machine("huge-1", first.Memory, lifecycle), near);
        var machine = new Runtime.Machine("huge-1", second.Memory, lifecycle);
        var options = new MigrationDestinationOptions { Postcopy = new PostcopyOptions { UseMinorFaults = minor } };
        var received = new MigrationDestination(machine, options).ReceiveAsync(far);
        source.Begin();
        source.Precopy([(first.Ram, 0), (first.Ram, first.Unit)]);
        source.DiscardUnsent();
        source.SendPackage();
        Vms.WaitFor(() => lifecycle.IsRunning);
        source.AnswerRequests();
        second.Memory.Write(second.Ram, 3 * first.Unit + 16, [1]);
        Assert.Equal([(first.Ram, 3L * first.Unit, (long)first.Unit)], source.Requests);
        source.SendRest();
        source.End();
        Assert.Equal(MigrationStatus.Completed, ChannelFixture.Done(received).Status);
        Assert.Null(second.FindDamage());
        Assert.True(second.Memory.IsZero(second.Memory.Blocks[1], 0, 64 << 12));
    }
}
