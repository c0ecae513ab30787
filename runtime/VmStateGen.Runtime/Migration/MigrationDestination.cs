using System;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;

namespace VmStateGen.Runtime.Migration;

/// <summary>Takes in a machine that a source moves here: a source of ours, a stock QEMU, or a file.</summary>
/// <remarks>
/// <para>The machine is built as at the source, its guest stopped, before it begins. Nothing in the stream is trusted. Until EOF a fault is
/// answered with SHUT(1): the source's guest goes on there, and this machine is of no use any more. After EOF the guest is here: it is started
/// even if the description after it never comes, once the source was told.</para>
/// <para>Any thread. Loading runs on a thread of its own.</para>
/// </remarks>
public sealed class MigrationDestination
{
    private readonly Machine machine;
    private readonly MigrationDestinationOptions options;
    private DestinationRun? run;

    /// <param name="machine">What to load into.</param>
    /// <param name="options">Nothing: the defaults.</param>
    public MigrationDestination(Machine machine, MigrationDestinationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(machine);
        this.machine = machine;
        this.options = options ?? MigrationDestinationOptions.Default;
    }

    /// <summary>How far the migration is, or how it ended.</summary>
    public MigrationProgress Progress => Volatile.Read(ref run)?.Progress ?? MigrationProgress.None;

    /// <summary>Listens at an address, takes the first connection, and loads what comes.</summary>
    /// <param name="address">Where; a file is read.</param>
    /// <param name="progress">Told at each change of status, and some ten times a second; on the migration's thread.</param>
    /// <param name="token">Cancels it. Once the guest is here that comes too late.</param>
    /// <returns>How it went: the guest is here, and runs.</returns>
    /// <exception cref="ChannelException">It is not possible to listen there.</exception>
    /// <exception cref="InvalidOperationException">The machine is being migrated, or a blocker forbids it.</exception>
    /// <exception cref="MigrationException">It failed; the machine must be thrown away.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the machine must be thrown away.</exception>
    public Task<MigrationResult> ReceiveAsync(ChannelAddress address, IProgress<MigrationProgress>? progress = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(address);

        // Here, so that a source that is started after this call finds it.
        var listener = ChannelListener.Listen(address, machine.PassesDescriptors ? options.Channel with { AcceptDescriptors = true } : options.Channel);
        try
        {
            // A second connection comes to the same address.
            var hasMore = options.Postcopy?.Preempt == true;
            return Start(
                stop =>
                {
                    using (hasMore ? null : listener)
                        return listener.Accept(options.AcceptTimeout, stop);
                },
                hasMore ? listener : null,
                progress,
                token);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Loads what comes over a channel, which is closed at the end.</summary>
    /// <inheritdoc cref="ReceiveAsync(ChannelAddress, IProgress{MigrationProgress}?, CancellationToken)"/>
    public Task<MigrationResult> ReceiveAsync(Channel channel, IProgress<MigrationProgress>? progress = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(channel);
        return Start(_ => channel, null, progress, token);
    }

    /// <summary>
    /// Has a source come back whose link was lost while the guest ran here already (<see cref="MigrationStatus.PostcopyPaused"/>): listens at an
    /// address, at which the source is then told to resume (QEMU: <c>migrate</c> with <c>resume</c>). Again with another one if nobody comes.
    /// </summary>
    /// <param name="address">Where: <c>tcp:</c> or <c>unix:</c>.</param>
    /// <returns>The address, with the port that was chosen if none was given.</returns>
    /// <exception cref="ChannelException">It is not possible to listen there.</exception>
    /// <exception cref="InvalidOperationException">The migration is not paused.</exception>
    public ChannelAddress Recover(ChannelAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Running.Postcopy.Recover(address);
    }

    /// <summary>Gives up a link that seems dead while the guest runs here already, so that there can be another: QEMU's migrate-pause.</summary>
    /// <exception cref="InvalidOperationException">This destination takes no postcopy.</exception>
    public void PausePostcopy() => Running.Postcopy.Pause();

    /// <summary>
    /// After the migration has ended with <see cref="MigrationStatus.PostcopyPaused"/>: lets go of the memory of a machine that is given up. Whoever
    /// still waits for a page goes on, and reads zeros.
    /// </summary>
    /// <exception cref="InvalidOperationException">This destination takes no postcopy.</exception>
    public void Abandon()
    {
        Running.Postcopy.Abandon();
        machine.EndMigration();
    }

    private DestinationRun Running => Volatile.Read(ref run) ?? throw new InvalidOperationException("There is no migration.");

    private Task<MigrationResult> Start(Func<CancellationToken, Channel> open, ChannelListener? listener, IProgress<MigrationProgress>? progress, CancellationToken token)
    {
        token.ThrowIfCancellationRequested();
        if (machine.Lifecycle.IsRunning)
            throw new InvalidOperationException("The guest runs: what is loaded is a machine that stands still.");
        machine.BeginMigration();
        _ = MigrationRehearsal.Begin();
        var started = new DestinationRun(machine, options, open, listener, progress);
        Volatile.Write(ref run, started);
        return MigrationThread.Run("migration destination", () =>
        {
            using var registration = token.Register(static state => ((DestinationRun)state!).Cancel(), started);
            return started.Run(token);
        });
    }
}
