using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Numerics;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Migration;

/// <summary>Loads the sections of a stream into a machine, and keeps account of what each costs. Knows nothing of commands, nor of when it ends.</summary>
internal sealed class StreamLoader(Machine machine, MigrationFeatures features, QemuIncomingStream stream)
{
    private const int DefaultPageSize = 4096;

    private readonly Dictionary<uint, MachineSection> started = [];
    private readonly HashSet<MachineSection> loaded = [];
    private readonly List<IIterativeHandler> begun = [];
    private readonly Dictionary<string, (long Bytes, TimeSpan Time)> costs = [];
    private readonly List<string> costOrder = [];
    private int unfinished;

    /// <summary>Whether all that is moved in rounds has ended: what follows is devices, or nothing.</summary>
    public bool IsComplete => started.Count > 0 && unfinished == 0;

    /// <summary>What each section cost so far.</summary>
    public IReadOnlyList<SectionCost> Costs => costOrder.ConvertAll(name => new SectionCost(name, costs[name].Bytes, costs[name].Time));

    private MachineSection? Unfinished
    {
        get
        {
            foreach (var section in started.Values)
            {
                if (!loaded.Contains(section))
                    return section;
            }
            return null;
        }
    }

    /// <summary>Compares what both sides must agree on (qemu-migration.md §1.2).</summary>
    public void Check(QemuConfiguration? configuration)
    {
        var offset = stream.Cursor.Position;
        var wanted = features.IgnoreShared ? new[] { QemuConfiguration.IgnoreShared } : [];
        if (configuration is null)
        {
            if (wanted.Length > 0)
                throw Fault.At("configuration", $"the capability {wanted[0]}", "a stream without configuration", offset);
            return;
        }
        if (configuration.MachineType != machine.Type)
            throw Fault.At("configuration", $"machine type {machine.Type}", configuration.MachineType, offset);
        var pageSize = configuration.TargetPageBits is { } bits ? 1 << bits : DefaultPageSize;
        if (pageSize != machine.Memory.PageSize)
            throw Fault.At("configuration", $"pages of {machine.Memory.PageSize} bytes (2^{BitOperations.Log2((uint)machine.Memory.PageSize)})", $"pages of {pageSize}", offset);
        if (configuration.HasCapability(QemuConfiguration.MappedRam))
            throw Fault.At("configuration", "a plain stream (vmstate convert --to plain makes one)", "one in the layout mapped-ram, which is for files only", offset);
        if (!new HashSet<string>(configuration.Capabilities).SetEquals(wanted))
            throw Fault.At("configuration", $"capabilities: {Names(wanted)}", Names(configuration.Capabilities), offset);

        static string Names(IReadOnlyList<string> capabilities) => capabilities.Count == 0 ? "none" : string.Join(", ", capabilities);
    }

    public void Begin()
    {
        foreach (var section in machine.Sections)
        {
            if (section.Handler is not { } handler)
                continue;
            begun.Add(handler);
            handler.SetupLoad(features);
        }
    }

    /// <param name="element">A section.</param>
    /// <param name="from">Where it is, if not in the stream itself: a package of it.</param>
    public void Load(in QemuStreamElement element, QemuIncomingStream? from = null)
    {
        from ??= stream;
        var header = element.Section;
        var begun = Stopwatch.GetTimestamp();
        try
        {
            if (header.Kind is SectionKind.Part or SectionKind.End)
                LoadRound(started[header.Id], header, from);
            else
                LoadFirst(header, element.DataOffset, from);
        }
        catch (VmStateException e) when (e.InDevice(header.ToString()))
        {
            throw;
        }
        Account(header.ToString(), from.Cursor.Position - element.DataOffset, begun);
    }

    /// <summary>An end that comes too early would start a guest that lacks a part of itself.</summary>
    /// <param name="offset">In the stream, for messages.</param>
    /// <param name="isRamToFollow">With postcopy RAM comes when the guest runs.</param>
    public void CheckComplete(long offset, bool isRamToFollow = false)
    {
        if (unfinished > 0 && Unfinished is { } section && !(isRamToFollow && section.Handler == machine.Ram))
            throw Fault.At(section.ToString(), "its END before the end of the stream", "none", offset);
        if (machine.Ram.IsActive && started.Count == 0)
            throw Fault.At("EOF", "RAM before the end of the stream", "none", offset);
    }

    /// <summary>Lets go of what loading held, whatever came of it.</summary>
    public void End()
    {
        foreach (var handler in begun)
            handler.Cleanup();
    }

    private void LoadFirst(in SectionHeader header, long offset, QemuIncomingStream from)
    {
        if (machine.Find(header.Name, header.InstanceId) is not { } section)
        {
            if (header.Kind != SectionKind.Full || machine.CreateRemoved(header.Name) is not { } thrownAway)
                throw new VmStateException("a section that this machine has", $"{header.Name}, instance {header.InstanceId}", offset);
            StateSection.Load(header, from.OpenState(), offset, thrownAway);
            return;
        }
        if (header.Version > section.Version)
            throw new VmStateException($"version {section.Version} at most", $"version {header.Version}", offset);
        if (header.Kind == SectionKind.Start != section.Handler is not null)
            throw new VmStateException(section.Handler is null ? "all of it at once (FULL)" : "START", header.Kind.ToString(), offset);
        if (loaded.Contains(section) || started.ContainsValue(section))
            throw new VmStateException("the section once", "it again", offset);
        if (section.Handler is null)
        {
            StateSection.Load(header, from.OpenState(), offset, section.Device!);
            loaded.Add(section);
            return;
        }
        started.Add(header.Id, section);
        unfinished++;
        LoadRound(section, header, from);
    }

    private void LoadRound(MachineSection section, in SectionHeader header, QemuIncomingStream from)
    {
        section.Handler!.Load(from.Cursor, header.Kind, header.Version);
        if (header.Kind == SectionKind.End && loaded.Add(section))
            unfinished--;
    }

    private void Account(string name, long bytes, long from)
    {
        if (!costs.TryGetValue(name, out var cost))
            costOrder.Add(name);
        costs[name] = (cost.Bytes + bytes, cost.Time + Stopwatch.GetElapsedTime(from));
    }
}
