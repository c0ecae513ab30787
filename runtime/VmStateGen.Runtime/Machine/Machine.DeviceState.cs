using System;
using System.Buffers;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Streams;

namespace VmStateGen.Runtime;

/// <content>How long the state of devices takes to save, which is a part of every downtime.</content>
public sealed partial class Machine
{
    /// <summary>Bytes a second that saving makes while nothing was measured: a stock machine's 20 KB in less than a millisecond.</summary>
    private const double AssumedRate = 100e6;

    /// <summary>What a device without a bound on its size is taken for until it was saved once.</summary>
    private const long AssumedSize = 64 << 10;

    /// <summary>
    /// Saves the state of all devices to nowhere, describes it, and notes what each costs, so that the next migration's downtime is known and not guessed. Without
    /// it what a device cost when it was last sent counts, or else its size. Runs the devices' saving hooks, as a migration does.
    /// </summary>
    /// <returns>What each device cost.</returns>
    /// <exception cref="InvalidOperationException">The guest runs, or the machine is being migrated: hooks never run on a running guest.</exception>
    /// <exception cref="VmStateException">A state cannot be saved.</exception>
    public IReadOnlyList<SectionCost> MeasureDeviceState()
    {
        if (Lifecycle.IsRunning)
            throw new InvalidOperationException("The guest runs: stop it before its devices are measured.");
        lock (gate)
        {
            ThrowIfMigrating();
            isMigrating = true;
        }
        try
        {
            // A migration's code is compiled by then.
            if (RuntimeFeature.IsDynamicCodeCompiled)
                DeviceCode.Prepare(this, isSaving: true);
            var costs = new List<SectionCost>();
            foreach (var section in SaveOrder)
            {
                if (section.Device is not { IsNeeded: true } device)
                    continue;
                var from = Stopwatch.GetTimestamp();
                var bytes = StateSection.Save(Nowhere.Instance, section.Id, section.Name, section.InstanceId, device);
                new VmDescriptionWriter(new ArrayBufferWriter<byte>(), VmDescriptionDialect.Qemu100).Device(section.Name, section.InstanceId, device);
                var cost = new SectionCost(section.ToString(), bytes, Stopwatch.GetElapsedTime(from));
                section.LastCost = cost;
                costs.Add(cost);
            }
            return costs;
        }
        finally
        {
            EndMigration();
        }
    }

    /// <summary>How long it will take to save and send what is only sent once the guest stands still. Asks no device anything.</summary>
    /// <param name="bytesPerSecond">Bandwidth; 0 if none is known.</param>
    internal TimeSpan EstimateDeviceTime(double bytesPerSecond)
    {
        var measured = (Bytes: 0L, Time: TimeSpan.Zero);
        var guessed = 0L;
        foreach (var section in Sections)
        {
            if (section.Device?.StateType is not { EarlySetup: false } type)
                continue;
            if (section.LastCost is { } cost)
                measured = (measured.Bytes + cost.Bytes, measured.Time + cost.Time);
            else
                guessed += type.MaxSize <= AssumedSize ? type.MaxSize : AssumedSize;
        }

        // What was measured of a few bytes tells of the cost of a section, not of a rate.
        var rate = measured.Bytes >= AssumedSize && measured.Time > TimeSpan.Zero ? measured.Bytes / measured.Time.TotalSeconds : AssumedRate;
        var saving = measured.Time + TimeSpan.FromSeconds(guessed / rate);
        return bytesPerSecond > 0 ? saving + TimeSpan.FromSeconds((measured.Bytes + guessed) / bytesPerSecond) : saving;
    }

    private sealed class Nowhere : ISectionWriter
    {
        public static readonly Nowhere Instance = new();

        public void BeginSection(SectionHeader section)
        {
        }

        public void Write(ReadOnlySpan<byte> data)
        {
        }

        public void EndSection()
        {
        }
    }
}
