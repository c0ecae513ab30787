using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>
/// Whether the QEMU of one dump loads what the other's writes. Everything that a dump can tell is used, and nothing that it cannot: types of fields
/// and bodies of predicates are not in it, sizes of structures are the host's, older dumps have no counts (qemu-migration.md §3).
/// </summary>
public static class QemuDumpChecker
{
    /// <summary>Every difference that breaks a load.</summary>
    public static CompatibilityReport Compare(QemuDump old, QemuDump current, CompatibilityDirection direction = CompatibilityDirection.Backward)
    {
        var all = new FindingList();
        if ((direction & CompatibilityDirection.Backward) != 0)
            new DumpComparison(old, current, isForward: false).Compare(finding => all.Add(finding, null));
        if ((direction & CompatibilityDirection.Forward) != 0)
            new DumpComparison(current, old, isForward: true).Compare(finding => all.Add(finding, null));
        return new CompatibilityReport(all.Findings());
    }
}

/// <summary>One direction of a comparison of dumps.</summary>
internal sealed class DumpComparison
{
    private readonly QemuDump writer;
    private readonly QemuDump reader;
    private readonly bool isForward;

    /// <param name="writer">The QEMU that saves.</param>
    /// <param name="reader">The QEMU that loads.</param>
    /// <param name="isForward">The writer is the newer one.</param>
    public DumpComparison(QemuDump writer, QemuDump reader, bool isForward)
    {
        this.writer = writer;
        this.reader = reader;
        this.isForward = isForward;
    }

    private CompatibilityDirection Direction => isForward ? CompatibilityDirection.Forward : CompatibilityDirection.Backward;

    public void Compare(Action<Finding> report)
    {
        foreach (QemuDumpDevice device in writer.Devices)
        {
            // It blocks migration: there is no stream that has it.
            if ((!device.State.HasFields && device.State.Subsections.Count == 0) || QemuFacts.IsBlocked(device.Type))
                continue;
            foreach (Difference difference in Device(device))
            {
                report(difference.Finding with
                {
                    Breaks = Direction,
                    Places = new[] { new FindingPlace(device.Type, device.State.Name, difference.Trail) }.ToEquatableArray(),
                });
            }
        }
    }

    private List<Difference> Device(QemuDumpDevice device)
    {
        QemuDumpDevice? same = Named(device.Type) ?? QemuFacts.OtherTypes(device.Type).Select(Named).FirstOrDefault(found => found is not null);
        // A stream has the name of the state, not of the type. Another type of that name may read it; whether it can stand in the
        // same place of a machine is not in a dump.
        if (same is null || (same.State.Name != device.State.Name && !IsRenamed(device, same)))
        {
            List<List<Difference>> others = reader.Devices.Where(other => other.State.Name == device.State.Name)
                .Select(other => State(device.State, other.State, VersionSource.Stream)).ToList();
            if (others.OrderBy(found => found.Count).FirstOrDefault() is List<Difference> best)
                return best;
        }
        if (same is null)
        {
            // New devices are no break of what was there.
            return isForward || QemuFacts.MayBeInCode(device.Type) ? new() : new() { Of(device.State, CompatibilityRule.SectionRemoved, $"the device type {device.Type} is gone, and no other has a section \"{device.State.Name}\"", "") };
        }
        if (same.State.Name != device.State.Name && !IsRenamed(device, same))
            return new() { Of(device.State, CompatibilityRule.SectionRenamed, $"the section is called \"{same.State.Name}\" and was called \"{device.State.Name}\"", "") };
        return State(device.State, same.State, VersionSource.Stream);
    }

    private QemuDumpDevice? Named(string type) => reader.Devices.FirstOrDefault(other => other.Type == type);

    private static bool IsRenamed(QemuDumpDevice left, QemuDumpDevice right) => left.Type != right.Type && QemuFacts.OtherTypes(left.Type).Contains(right.Type);

    private List<Difference> State(QemuDumpState from, QemuDumpState to, VersionSource source)
    {
        var found = new List<Difference>();
        if (source == VersionSource.Stream)
        {
            if (!to.HasFields && to.Subsections.Count == 0)
                return new() { Of(from, CompatibilityRule.SectionRemoved, $"\"{to.Name}\" cannot be migrated: it has no fields", "") };
            if (from.Version > to.Version)
                found.Add(Of(from, isForward ? CompatibilityRule.NeedlessVersion : CompatibilityRule.VersionLowered, $"version {from.Version} is written, and no version above {to.Version} is loaded", ""));
            if (from.Version < to.MinimumVersion)
                found.Add(Of(from, isForward ? CompatibilityRule.VersionLowered : CompatibilityRule.MinimumVersionRaised, $"version {from.Version} is written, and only {to.MinimumVersion} and above are loaded", ""));
            if (found.Count > 0)
                return found;
        }
        // Nested state is loaded at the version that the reader has for it.
        int readAt = source == VersionSource.Stream ? from.Version : to.Version;
        found.AddRange(new DumpFields(this, from, to, readAt).Compare());
        foreach (QemuDumpState subsection in from.Subsections)
        {
            if (to.Subsections.FirstOrDefault(other => other.Name == subsection.Name) is QemuDumpState same)
                found.AddRange(State(subsection, same, VersionSource.Stream).Select(difference => difference.Inside(subsection.Name)));
            else if (!isForward)
                found.Add(Of(from, CompatibilityRule.SubsectionRemoved, "the subsection is gone; a stream that has it is refused", subsection.Name));
        }
        return found;
    }

    internal List<Difference> Nested(QemuDumpState from, QemuDumpState to) => State(from, to, VersionSource.Local);

    internal bool WriterHasCounts => writer.HasCounts;

    internal bool ReaderHasCounts => reader.HasCounts;

    /// <summary>What only the writer has is gone; in the forward direction it is what was added.</summary>
    internal CompatibilityRule OnlyWritten => isForward ? CompatibilityRule.FieldAdded : CompatibilityRule.FieldRemoved;

    /// <summary>What only the reader has was added; in the forward direction it is what is gone.</summary>
    internal CompatibilityRule OnlyRead => isForward ? CompatibilityRule.FieldRemoved : CompatibilityRule.FieldAdded;

    internal static Difference Of(QemuDumpState state, CompatibilityRule rule, string message, string path, Verdict verdict = Verdict.Error) => new(new Finding
    {
        Rule = rule,
        Verdict = verdict,
        Type = state.Name,
        Path = path,
        Message = message,
    }, true, path);
}
