using System;
using System.Collections.Generic;
using System.Threading;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime;

/// <summary>
/// What is migrated: a machine type, guest RAM, registered devices, and what else is moved in rounds. Both sides of a migration build the same
/// machine; the stream says whether they did.
/// </summary>
/// <remarks>
/// Registering, blockers and notifiers: any thread, but not while the machine is migrated, which would change what is sent under the hands of
/// the sender: it throws. The machine does not own its memory.
/// </remarks>
public sealed partial class Machine
{
    private readonly object gate = new();
    private readonly List<MigrationBlocker> blockers = [];
    private Action<MigrationNotice>[] notifiers = [];
    private bool isMigrating;

    /// <summary>A machine that has RAM and nothing else; RAM is its first section.</summary>
    /// <param name="type">Class name of the machine type, such as <c>pc-i440fx-10.0</c>; both sides must have the same.</param>
    /// <param name="memory">Its RAM. Blocks may be added until the migration starts.</param>
    /// <param name="lifecycle">Stops the guest and lets it run.</param>
    public Machine(string type, GuestMemory memory, IMachineLifecycle lifecycle)
    {
        Streams.Qemu.WireName.Check(type, nameof(type));
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(lifecycle);
        Type = type;
        Memory = memory;
        Lifecycle = lifecycle;
        Ram = new RamPrecopy(memory);
        Register(Streams.Qemu.QemuWire.RamName, Ram);
    }

    /// <summary>Class name of the machine type.</summary>
    public string Type { get; }

    /// <summary>Guest RAM.</summary>
    public GuestMemory Memory { get; }

    /// <summary>What moves <see cref="Memory"/>: the first section.</summary>
    public RamPrecopy Ram { get; }

    /// <summary>The guest's CPUs.</summary>
    public IMachineLifecycle Lifecycle { get; }

    /// <summary>Why the machine cannot be migrated now, in order of what was said first; empty if it can. Both ways: out and in.</summary>
    public IReadOnlyList<string> BlockedReasons
    {
        get
        {
            lock (gate)
            {
                var reasons = new List<string>();
                foreach (var section in sections)
                {
                    if (section.Device?.StateType.Unmigratable == true)
                        reasons.Add($"non-migratable device: {section}");
                }
                foreach (var blocker in blockers)
                    reasons.Add(blocker.Reason);
                return reasons;
            }
        }
    }

    /// <summary>Forbids migration until the result is disposed of.</summary>
    /// <param name="reason">For people: what is in the way, and what would help.</param>
    /// <exception cref="InvalidOperationException">The machine is being migrated.</exception>
    public MigrationBlocker AddBlocker(string reason)
    {
        ArgumentException.ThrowIfNullOrEmpty(reason);
        lock (gate)
        {
            ThrowIfMigrating();
            var blocker = new MigrationBlocker(this, reason);
            blockers.Add(blocker);
            return blocker;
        }
    }

    /// <summary>
    /// Has somebody told of migrations, on the migration's thread, in order of addition. An exception at a stage that may veto fails the
    /// migration, with the exception as its reason; elsewhere it is only kept (in the migration's result).
    /// Whoever was told of a setup is told of the end.
    /// </summary>
    /// <returns>Dispose of it to be told no more.</returns>
    public IDisposable AddNotifier(Action<MigrationNotice> notifier)
    {
        ArgumentNullException.ThrowIfNull(notifier);
        lock (gate)
            notifiers = [.. notifiers, notifier];
        return new Removal(() =>
        {
            lock (gate)
                notifiers = Array.FindAll(notifiers, other => other != notifier);
        });
    }

    /// <summary>Begins a migration: one at a time.</summary>
    /// <exception cref="InvalidOperationException">There is one, or a blocker forbids it.</exception>
    internal void BeginMigration() => BeginMigration([]);

    /// <summary>Begins a migration away: every writer of RAM must be seen.</summary>
    /// <exception cref="InvalidOperationException">There is one, or a blocker forbids it.</exception>
    internal void BeginOutgoingMigration() => BeginMigration(Ram.UnseenWriters);

    private void BeginMigration(IReadOnlyList<string> more)
    {
        lock (gate)
        {
            ThrowIfMigrating();
            string[] reasons = [.. BlockedReasons, .. more];
            if (reasons.Length > 0)
                throw new InvalidOperationException($"The machine cannot be migrated: {string.Join("; ", reasons)}.");
            isMigrating = true;
        }
    }

    internal void EndMigration()
    {
        lock (gate)
            isMigrating = false;
    }

    /// <summary>Tells all who listen.</summary>
    /// <param name="stage">Where it is.</param>
    /// <param name="errors">Where exceptions go; <see langword="null"/> if the first one is a veto.</param>
    /// <param name="error">Why it failed.</param>
    internal void Notify(MigrationStage stage, List<Exception>? errors = null, Exception? error = null)
    {
        foreach (var notifier in Volatile.Read(ref notifiers))
        {
            try
            {
                notifier(new MigrationNotice(this, stage, error));
            }
            catch (Exception e)
            {
                if (errors is null)
                    throw new MigrationVetoException(stage, e);
                errors.Add(e);
            }
        }
    }

    internal void Remove(MigrationBlocker blocker)
    {
        lock (gate)
            blockers.Remove(blocker);
    }

    private void ThrowIfMigrating()
    {
        if (isMigrating)
            throw new InvalidOperationException("The machine is being migrated.");
    }

    private sealed class Removal(Action remove) : IDisposable
    {
        public void Dispose() => remove();
    }
}

/// <summary>A reason why a machine cannot be migrated, until it is disposed of.</summary>
public sealed class MigrationBlocker : IDisposable
{
    private readonly Machine machine;

    internal MigrationBlocker(Machine machine, string reason)
    {
        this.machine = machine;
        Reason = reason;
    }

    /// <summary>For people.</summary>
    public string Reason { get; }

    /// <summary>It is no reason any more. More than once is fine.</summary>
    public void Dispose() => machine.Remove(this);
}
