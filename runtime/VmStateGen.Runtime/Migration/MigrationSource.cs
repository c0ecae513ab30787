using System;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Postcopy;

namespace VmStateGen.Runtime.Migration;

/// <summary>Moves a running machine away: to another process or host, a stock QEMU among them, or into a file.</summary>
/// <remarks>
/// <para><b>What holds whatever goes wrong.</b> The guest is handed over when the byte that ends the stream (EOF) is written. Before that any
/// fault, cancel or refusal leaves it running here, as it was, and able to be migrated again. After it the guest never resumes here by
/// itself: if the destination does not say that it has the guest, the migration ends in <see cref="MigrationStatus.HandedOverUnknown"/>, with the
/// guest stopped, and the embedder decides. With a return path the destination has proved before EOF that it has loaded everything.</para>
/// <para>Any thread. A migration runs on a thread of its own and a second one for the return path.</para>
/// </remarks>
public sealed class MigrationSource
{
    private readonly Machine machine;
    private readonly MigrationSourceOptions options;
    private SourceRun? run;

    /// <param name="machine">What to move.</param>
    /// <param name="options">Nothing: as QEMU does by default.</param>
    public MigrationSource(Machine machine, MigrationSourceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(machine);
        this.machine = machine;
        this.options = options ?? MigrationSourceOptions.Default;
    }

    /// <summary>How far the present migration is, or how the last one ended.</summary>
    public MigrationProgress Progress => Volatile.Read(ref run)?.Progress ?? MigrationProgress.None;

    /// <summary>Migrates to what an address names.</summary>
    /// <param name="address">Connected to, on the migration's thread. A file (without an offset) is there when it is whole, or not at all.</param>
    /// <param name="progress">Told at each change of status, and some ten times a second; on the migration's thread.</param>
    /// <param name="token">Cancels it (see <see cref="Cancel"/>).</param>
    /// <returns>How it went: the destination has the guest.</returns>
    /// <exception cref="InvalidOperationException">The machine is being migrated, or a blocker forbids it.</exception>
    /// <exception cref="MigrationException">It failed; its status tells where the guest is.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The guest is as it was.</exception>
    public Task<MigrationResult> MigrateAsync(ChannelAddress address, IProgress<MigrationProgress>? progress = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Start(stop => Open(address, stop), progress, token, Preempt(address));
    }

    /// <summary>Migrates over a channel, which is closed at the end.</summary>
    /// <inheritdoc cref="MigrateAsync(ChannelAddress, IProgress{MigrationProgress}?, CancellationToken)"/>
    public Task<MigrationResult> MigrateAsync(Channel channel, IProgress<MigrationProgress>? progress = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(channel);
        return Start(_ => channel, progress, token);
    }

    /// <summary>Migrates over two channels, the second for <see cref="PostcopySourceOptions.Preempt"/>. Both are closed at the end.</summary>
    /// <inheritdoc cref="MigrateAsync(ChannelAddress, IProgress{MigrationProgress}?, CancellationToken)"/>
    public Task<MigrationResult> MigrateAsync(Channel channel, Channel preempt, IProgress<MigrationProgress>? progress = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(preempt);
        return Start(_ => channel, progress, token, _ => preempt);
    }

    /// <summary>
    /// Asks to go over to postcopy: soon the guest is stopped, runs at the destination, and what is left of its memory follows. Nothing happens
    /// if precopy comes to its end before.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no migration, or one without <see cref="MigrationSourceOptions.Postcopy"/>.</exception>
    public void StartPostcopy()
    {
        if (Volatile.Read(ref run)?.TryStartPostcopy() != true)
            throw new InvalidOperationException("There is no migration that may do postcopy: it needs MigrationSourceOptions.Postcopy.");
    }

    /// <summary>Goes on from <see cref="MigrationStatus.PostcopyPaused"/> over another connection.</summary>
    /// <param name="address">Where the destination listens for it; connected to on the migration's thread. If that fails it is paused again.</param>
    /// <exception cref="InvalidOperationException">It is not paused.</exception>
    public void Recover(ChannelAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var preempt = Preempt(address);
        Recover(() => ChannelConnector.Connect(address, options.Connect), preempt is null ? null : () => preempt(default));
    }

    /// <summary>Goes on from <see cref="MigrationStatus.PostcopyPaused"/> over other channels, which are closed at the end.</summary>
    /// <param name="channel">The main one.</param>
    /// <param name="preempt">The second one, if there was one before.</param>
    /// <exception cref="InvalidOperationException">It is not paused.</exception>
    public void Recover(Channel channel, Channel? preempt = null)
    {
        ArgumentNullException.ThrowIfNull(channel);
        Recover(() => channel, preempt is null ? null : () => preempt);
    }

    /// <summary>Goes on from <see cref="MigrationStatus.PreSwitchover"/>.</summary>
    /// <exception cref="InvalidOperationException">It is not there.</exception>
    public void Continue()
    {
        if (Volatile.Read(ref run)?.TryContinue() != true)
            throw new InvalidOperationException($"The migration does not wait to be continued: it is {Progress.Status.ToQemuName()}.");
    }

    /// <summary>Ends the migration. The guest goes on here, unless it was handed over already: then nothing happens.</summary>
    /// <returns>Whether it was in time.</returns>
    public bool Cancel() => Volatile.Read(ref run)?.Cancel() ?? false;

    private Channel Open(ChannelAddress address, CancellationToken stop) => address is FileAddress { Offset: 0 } file
        ? ChannelConnector.CreateAtomic(file, options.Connect.Channel)
        : ChannelConnector.Connect(address, options.Connect, stop);

    private Func<CancellationToken, Channel>? Preempt(ChannelAddress address)
        => options.Postcopy?.Preempt == true ? stop => ChannelConnector.Connect(address, options.Connect, stop) : null;

    private void Recover(Func<Channel> main, Func<Channel>? preempt)
    {
        var isWanted = Volatile.Read(ref run)?.TryRecover(() =>
        {
            var channel = main();
            channel.WriteTimeout = options.StallTimeout;
            var second = preempt?.Invoke();
            if (second != null)
                second.WriteTimeout = options.StallTimeout;
            return new PostcopyLink(channel, second);
        });
        if (isWanted != true)
            throw new InvalidOperationException($"The migration does not wait to be recovered: it is {Progress.Status.ToQemuName()}.");
    }

    private Task<MigrationResult> Start(
        Func<CancellationToken, Channel> open, IProgress<MigrationProgress>? progress, CancellationToken token, Func<CancellationToken, Channel>? openPreempt = null)
    {
        token.ThrowIfCancellationRequested();
        machine.BeginOutgoingMigration();
        var started = new SourceRun(machine, options, open, progress, MigrationRehearsal.Begin(), openPreempt);
        Volatile.Write(ref run, started);
        return MigrationThread.Run("migration source", () =>
        {
            using var registration = token.Register(static state => ((SourceRun)state!).Cancel(), started);
            return started.Run(token);
        });
    }
}
