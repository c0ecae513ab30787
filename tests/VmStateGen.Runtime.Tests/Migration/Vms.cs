using System;
using System.Threading;
using System.Threading.Tasks;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Tests.Channels;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>A device of raw bytes.</summary>
internal sealed class RawDevice(string name, int version = 1, MigrationPriority priority = default) : IVmState
{
    public byte[] Data { get; set; } = [];

    public VmStateType StateType { get; init; } = new(name, version, 1, long.MaxValue) { IsSection = true, Priority = priority };

    public ReadOnlySpan<byte> Schema => default;

    public bool IsNeeded { get; set; } = true;

    public void Save(ref VmStateWriter writer, int version) => writer.WriteBytes(Data);

    public void Load(ref VmStateReader reader, int version) => reader.ReadBytes(Data, "data"u8);

    public void Describe(ref VmDescriptionWriter writer, int version)
    {
        writer.BeginFields();
        writer.Field("data"u8, "buffer"u8, Data.Length);
        writer.EndFields();
    }
}

/// <summary>The frozen type of a section that is no more.</summary>
internal sealed class OldCard : IVmState
{
    private readonly RawDevice state = new("old-card") { Data = new byte[4] };

    internal OldCard()
    {
    }

    public VmStateType StateType => state.StateType;

    public ReadOnlySpan<byte> Schema => default;

    public bool IsNeeded => false;

    public void Save(ref VmStateWriter writer, int version) => throw new NotSupportedException();

    public void Load(ref VmStateReader reader, int version) => state.Load(ref reader, version);

    public void Describe(ref VmDescriptionWriter writer, int version) => throw new NotSupportedException();
}

/// <summary>A machine whose guest does nothing.</summary>
internal sealed class BareVm : IMachineLifecycle, IDisposable
{
    public BareVm(string type = "bare-1", int pageSize = 4096)
    {
        Memory = new GuestMemory(pageSize);
        Machine = new Runtime.Machine(type, Memory, this);
    }

    public GuestMemory Memory { get; }

    public Runtime.Machine Machine { get; }

    public bool IsRunning { get; private set; }

    public Action? OnPause { get; set; }

    public void Pause()
    {
        IsRunning = false;
        OnPause?.Invoke();
    }

    public void Resume() => IsRunning = true;

    public void Throttle(int percent)
    {
    }

    public void Dispose() => Memory.Dispose();
}

/// <summary>What both ends of a migration in this process came to.</summary>
internal sealed record Ends(Task<MigrationResult> Source, Task<MigrationResult> Destination)
{
    /// <summary>How it ended at the source, which must have completed; the wait is over.</summary>
    public MigrationResult Sent => Source.GetAwaiter().GetResult();

    public MigrationResult Received => Destination.GetAwaiter().GetResult();

    public void Complete() => Assert.Equal((MigrationStatus.Completed, MigrationStatus.Completed), (Sent.Status, Received.Status));

    public MigrationException SourceError => (MigrationException)Source.Exception!.InnerException!;

    public MigrationException DestinationError => (MigrationException)Destination.Exception!.InnerException!;
}

internal static class Vms
{
    /// <summary>As small as tests of faults want it: a stream of some 300 KB.</summary>
    public static readonly SimulatedOptions Small = new() { MiB = 4, Cpus = 1, PagesEach = 64, Rate = 5000 };

    /// <summary>Faults are noticed within the patience of a test.</summary>
    public static readonly MigrationSourceOptions Hasty = new()
    {
        StallTimeout = TimeSpan.FromSeconds(1),
        SwitchoverTimeout = TimeSpan.FromSeconds(1),
        HandOverTimeout = TimeSpan.FromSeconds(1),
        MaxBandwidth = 0,
    };

    /// <summary>Migrates between two machines of this process and waits for both ends, however they end.</summary>
    public static Ends Migrate(
        Runtime.Machine from,
        Runtime.Machine to,
        MigrationSourceOptions? options = null,
        MigrationDestinationOptions? destinationOptions = null,
        string kind = "pair",
        Func<Channel, Channel>? sourceChannel = null,
        Func<Channel, Channel>? destinationChannel = null)
    {
        var (first, second) = ChannelFixture.Connect(kind);
        first = sourceChannel?.Invoke(first) ?? first;
        second = destinationChannel?.Invoke(second) ?? second;
        var destination = new MigrationDestination(to, destinationOptions).ReceiveAsync(second);
        var source = new MigrationSource(from, options).MigrateAsync(first);
        return Wait(new Ends(source, destination));
    }

    public static Ends Wait(Ends ends)
    {
        Assert.True(Task.WhenAll(Settle(ends.Source), Settle(ends.Destination)).Wait(ChannelFixture.Long), $"it hangs: source {ends.Source.Status}, destination {ends.Destination.Status}");
        return ends;
    }

    public static void WaitFor(Func<bool> isReached)
        => Assert.True(SpinWait.SpinUntil(isReached, ChannelFixture.Long), "it was not reached");

    private static Task Settle(Task task) => task.ContinueWith(static _ => { }, TaskScheduler.Default);
}
