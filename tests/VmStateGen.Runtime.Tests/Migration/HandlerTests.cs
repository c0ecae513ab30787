using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Runtime.Tests.Channels;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>State of an embedder's own beside RAM, and what a migration costs and tells.</summary>
public sealed class HandlerTests
{
    [Fact]
    public void State_of_ones_own_moves_beside_ram()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        var source = new Numbers { Left = 20 };
        var destination = new Numbers();
        from.Machine.Register("numbers", source);
        to.Machine.Register("numbers", destination);
        from.Memory.AddBlock("a", 1 << 20);
        to.Memory.AddBlock("a", 1 << 20);
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, Vms.Hasty);
        ends.Complete();
        Assert.Equal(["setup", .. Enumerable.Repeat("iterate", source.Calls.Count(call => call == "iterate")), "complete", "cleanup"], source.Calls);
        Assert.Equal(Enumerable.Range(0, 21).Reverse(), destination.Loaded);
        Assert.Equal("setupload", destination.Calls[0]);
        Assert.Equal("cleanup", destination.Calls[^1]);
        Assert.Contains("load End", destination.Calls);
    }

    [Theory]
    [InlineData("setup")]
    [InlineData("iterate")]
    [InlineData("complete")]
    public void A_handler_that_fails_is_cleaned_up_and_the_guest_goes_on(string call)
    {
        using var from = new BareVm();
        using var to = new BareVm();
        var source = new Numbers { Left = 3, Fails = call };
        from.Machine.Register("numbers", source);
        to.Machine.Register("numbers", new Numbers());
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, Vms.Hasty);
        Assert.Contains("no more " + call, ends.SourceError.Message, StringComparison.Ordinal);
        Assert.Equal(MigrationStatus.Failed, ends.SourceError.Status);
        Assert.Equal("cleanup", source.Calls[^1]);
        Assert.True(from.IsRunning);
    }

    [Theory]
    [InlineData(MigrationPriority.Default, "ram,early,late")]
    [InlineData(MigrationPriority.VirtioMem, "early,ram,late")]
    public void An_early_device_goes_in_the_setup_before_any_page(MigrationPriority priority, string order)
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Memory.AddBlock("a", 1 << 20);
        to.Memory.AddBlock("a", 1 << 20);
        RawDevice Early() => new("early") { StateType = new VmStateType("early", 1, 1, 8) { IsSection = true, EarlySetup = true, Priority = priority }, Data = new byte[1] };
        var (sent, arrived) = (Early(), Early());
        sent.Data[0] = 7;
        from.Machine.Register(new RawDevice("late") { Data = [1] });
        from.Machine.Register(sent);
        to.Machine.Register(new RawDevice("late") { Data = [0] });
        to.Machine.Register(arrived);

        // The guest runs in the setup, and is stopped for the others.
        var atPause = -1;
        from.OnPause = () => atPause = sent.Data[0] = 8;
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, Vms.Hasty);
        ends.Complete();
        Assert.Equal(order, string.Join(',', ends.Received.Sections.Select(section => section.Section)));
        Assert.Equal((8, 7), (atPause, (int)arrived.Data[0]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_device_that_is_being_unplugged_is_waited_for(bool isCancelled)
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Machine.Register(new RawDevice("stays") { Data = [1] });
        to.Machine.Register(new RawDevice("stays") { Data = [0] });
        var isPending = true;
        var primary = from.Machine.Register(new RawDevice("primary") { Data = [2] }, new RegistrationOptions { IsUnplugPending = () => Volatile.Read(ref isPending) });
        from.Resume();
        var (first, second) = ChannelFixture.Connect("pair");
        var source = new MigrationSource(from.Machine, Vms.Hasty);
        var ends = new Ends(source.MigrateAsync(first), new MigrationDestination(to.Machine).ReceiveAsync(second));
        Vms.WaitFor(() => source.Progress.Status == MigrationStatus.WaitUnplug);
        Assert.True(from.IsRunning);
        if (isCancelled)
        {
            Assert.True(source.Cancel());
            Assert.True(Vms.Wait(ends).Source.IsCanceled);
            Assert.True(from.IsRunning);
            return;
        }
        Assert.Throws<InvalidOperationException>(() => from.Machine.Unregister(from.Machine.Sections[1]));
        from.Machine.Unregister(primary);
        Volatile.Write(ref isPending, false);
        Vms.Wait(ends).Complete();
        Assert.Equal(["stays"], ends.Received.Sections.Select(section => section.Section));
    }

    [Fact]
    public void A_handler_that_loads_too_little_is_found_by_the_footer()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Machine.Register("numbers", new Numbers { Left = 3 });
        to.Machine.Register("numbers", new Numbers { TakesTooLittle = true });
        var ends = Vms.Migrate(from.Machine, to.Machine, Vms.Hasty);
        Assert.Contains("numbers › footer: expected 0x7e", ends.DestinationError.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Monitoring_is_told()
    {
        var measured = new Dictionary<string, double>();
        var machine = $"watched-{Guid.NewGuid():N}";
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == MigrationTelemetry.Name)
                listener.EnableMeasurementEvents(instrument);
        };
        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var tag in tags)
            {
                if (tag.Key == "machine" && (string?)tag.Value != machine)
                    return;
            }
            lock (measured)
                measured[instrument.Name] = measured.GetValueOrDefault(instrument.Name) + value;
        }
        meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        meters.Start();
        var activities = new List<Activity>();
        using var activityListener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == MigrationTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                lock (activities)
                    activities.Add(activity);
            },
        };
        ActivitySource.AddActivityListener(activityListener);

        using var from = new BareVm(machine);
        using var to = new BareVm(machine);
        from.Memory.AddBlock("a", 1 << 20);
        to.Memory.AddBlock("a", 1 << 20);
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine);
        ends.Complete();
        Assert.Equal(2, measured["vmstategen.migrations"]);
        Assert.Equal(2 * ends.Sent.Progress.BytesTransferred, measured["vmstategen.migration.bytes"]);
        Assert.Equal(ends.Sent.Progress.Downtime!.Value.TotalSeconds, measured["vmstategen.migration.downtime"]);
        Assert.True(measured.ContainsKey("vmstategen.section.duration"));
        var own = activities.FindAll(activity => (string?)activity.GetTagItem("machine") == machine);
        Assert.Equal(["destination", "source"], own.Select(activity => (string)activity.GetTagItem("role")!).Order());
        Assert.Contains("device", own.Single(activity => activity.Kind == ActivityKind.Producer).Events.Select(e => e.Name));
    }

    /// <summary>Counts down to 0, a number at a time.</summary>
    private sealed class Numbers : IIterativeHandler
    {
        public int Left { get; set; }

        public string? Fails { get; init; }

        public bool TakesTooLittle { get; init; }

        public List<string> Calls { get; } = [];

        public List<int> Loaded { get; } = [];

        public uint Version => 1;

        public bool IsActive => true;

        public void Setup(IterationOutput output, MigrationFeatures features) => Note("setup");

        public void Iterate(IterationOutput output, long budget)
        {
            Note("iterate");
            output.Write([(byte)Left]);
            Left--;
        }

        public PendingData QueryPending(bool exact) => new(Left > 1 ? Left : 0, 1);

        public void Complete(IterationOutput output)
        {
            Note("complete");
            output.Write([1, 0]);
        }

        public void SetupLoad(MigrationFeatures features) => Note("setupload");

        public void Load(StreamCursor input, SectionKind kind, uint version)
        {
            Note($"load {kind}");
            if (kind == SectionKind.Start || TakesTooLittle)
                return;
            Loaded.Add(input.ReadByte("number"));
            if (kind == SectionKind.End)
                Loaded.Add(input.ReadByte("end"));
        }

        public void Cleanup() => Note("cleanup");

        private void Note(string call)
        {
            Calls.Add(call);
            if (call == Fails)
                throw new InvalidOperationException("no more " + call);
        }
    }
}
