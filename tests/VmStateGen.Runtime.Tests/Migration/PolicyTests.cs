using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.DirtyTracking;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>What the policies come to in whole migrations: not in which time, but in which way they end.</summary>
public sealed class PolicyTests
{
    private const int Page = 4096;

    [Fact]
    public void A_guest_that_would_never_converge_leaves_by_its_deadline()
    {
        using var from = new ThrottledVm();
        using var to = new BareVm();
        to.Memory.AddBlock("ram", 8 << 20);
        var options = new MigrationSourceOptions { Deadline = TimeSpan.FromSeconds(2), MaxThrottle = 90, DowntimeLimit = TimeSpan.FromMilliseconds(1), MaxBandwidth = 16 << 20 };
        var ends = Vms.Migrate(from.Machine, to.Machine, options);
        ends.Complete();
        Assert.Equal(SwitchReason.Deadline, ends.Sent.Progress.SwitchReason);
        Assert.Equal(from.Percents.Order(), [.. from.Percents.SkipLast(1).Prepend(0)]);
        AssertSame(from.Memory, to.Memory);
    }

    [Fact]
    public void A_guest_that_dirties_too_fast_is_slowed_down_until_it_is_away()
    {
        using var from = new ThrottledVm();
        using var to = new BareVm();
        to.Memory.AddBlock("ram", 8 << 20);
        var ends = Vms.Migrate(from.Machine, to.Machine, new MigrationSourceOptions
        {
            AutoConverge = true, ThrottleInitial = 60, ThrottleIncrement = 39, MaxBandwidth = 4 << 20, DowntimeLimit = TimeSpan.FromMilliseconds(100),
        });
        ends.Complete();
        Assert.Contains(ends.Sent.Progress.SwitchReason, new[] { SwitchReason.Fits, SwitchReason.NothingElse });
        Assert.Equal([60, 99, 0], from.Percents);
        Assert.Equal(0, ends.Sent.Progress.CpuThrottlePercentage);
    }

    [Fact]
    public void A_guest_that_dirties_much_while_it_is_stopped_goes_on_until_it_does_not()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        var ram = from.Memory.AddBlock("ram", 16 << 20);
        to.Memory.AddBlock("ram", 16 << 20);
        from.Memory.Fill(ram, 0, ram.UsedLength, 1);
        var pauses = 0;
        from.OnPause = () =>
        {
            if (++pauses <= 2)
                from.Memory.Fill(ram, 0, 8 << 20, (byte)pauses);
        };

        // There is always a little left, or there were no need to keep to a limit.
        from.Machine.Ram.Tracker = new BusyPage(ram);
        from.Resume();
        var options = new MigrationSourceOptions { MaxBandwidth = 16 << 20, DowntimeLimit = TimeSpan.FromMilliseconds(300) };
        var ends = Vms.Migrate(from.Machine, to.Machine, options);
        ends.Complete();
        Assert.Equal((2, 3), (ends.Sent.Progress.Retreats, pauses));
        AssertSame(from.Memory, to.Memory);
    }

    [Fact]
    public void Device_state_is_measured_of_a_stopped_guest_only()
    {
        using var vm = new BareVm();
        vm.Machine.Register(new RawDevice("large") { Data = new byte[300_000] });
        vm.Machine.Register(new RawDevice("idle") { IsNeeded = false });

        // Two of which nothing is known are taken for 64 KiB each.
        Assert.Equal(131072 / 100e6, vm.Machine.EstimateDeviceTime(0).TotalSeconds, 6);
        Assert.Equal(131072 / 100e6 + 131072 / 1e6, vm.Machine.EstimateDeviceTime(1e6).TotalSeconds, 6);
        vm.Resume();
        Assert.Throws<InvalidOperationException>(vm.Machine.MeasureDeviceState);
        vm.Pause();
        var cost = Assert.Single(vm.Machine.MeasureDeviceState());
        Assert.Equal(("large", 300_000), (cost.Section, cost.Bytes));
        Assert.True(vm.Machine.EstimateDeviceTime(1e6) > cost.Time + TimeSpan.FromSeconds(0.3));

        // And is known as it was sent last.
        vm.Machine.Sections.Single(section => section.Name == "large").LastCost = null;
        using var to = new BareVm();
        to.Machine.Register(new RawDevice("large") { Data = new byte[300_000] });
        to.Machine.Register(new RawDevice("idle"));
        Vms.Migrate(vm.Machine, to.Machine).Complete();
        Assert.Equal(300_000, vm.Machine.Sections.Single(section => section.Name == "large").LastCost!.Bytes);
    }

    private static void AssertSame(GuestMemory from, GuestMemory to)
    {
        var ram = from.FindBlock("ram")!;
        byte[] sent = new byte[ram.UsedLength], arrived = new byte[ram.UsedLength];
        from.Read(ram, 0, sent);
        to.Read(to.FindBlock("ram")!, 0, arrived);
        Assert.True(sent.AsSpan().SequenceEqual(arrived));
    }

    /// <summary>Dirties by the time that it has: in each collection all of RAM, or with 99 percent gone next to nothing.</summary>
    private sealed class ThrottledVm : IMachineLifecycle, IDirtyTracker, IDisposable
    {
        public ThrottledVm()
        {
            Machine = new Runtime.Machine("bare-1", Memory, this);
            Ram = Memory.AddBlock("ram", 8 << 20);
            Memory.Fill(Ram, 0, Ram.UsedLength, 7);
            Machine.Ram.Tracker = this;
        }

        public GuestMemory Memory { get; } = new();

        public Runtime.Machine Machine { get; }

        public RamBlock Ram { get; }

        public List<int> Percents { get; } = [];

        public bool IsRunning { get; private set; } = true;

        public string Name => "test";

        public void Pause() => IsRunning = false;

        public void Resume() => IsRunning = true;

        public void Throttle(int percent) => Percents.Add(percent);

        public RamWriters Sees(RamBlock block) => RamWriters.None;

        public IDirtyTracking Start(GuestMemory memory, IReadOnlyList<RamBlock> blocks) => new Tracking(this);

        public void Dispose() => Memory.Dispose();

        private sealed class Tracking(ThrottledVm vm) : IDirtyTracking
        {
            public void Collect(RamBlock block, DirtyBitmap into)
            {
                if (!vm.IsRunning)
                    return;
                if (vm.Percents.LastOrDefault() == 99)
                    into.Set(0);
                else
                    into.SetAll();
            }

            public void Dispose()
            {
            }
        }
    }

    private sealed class BusyPage(RamBlock ram) : IDirtyTracker, IDirtyTracking
    {
        public string Name => "test";

        public RamWriters Sees(RamBlock block) => RamWriters.None;

        public IDirtyTracking Start(GuestMemory memory, IReadOnlyList<RamBlock> blocks) => this;

        public void Collect(RamBlock block, DirtyBitmap into) => into.Set(ram.UsedLength / Page - 1);

        public void Dispose()
        {
        }
    }
}
