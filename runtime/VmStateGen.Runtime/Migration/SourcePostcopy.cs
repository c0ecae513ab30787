using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Migration;

/// <summary>
/// What postcopy adds to an outgoing migration (qemu-migration.md §5.5, §13): the phases after the guest was stopped, if it goes over to
/// postcopy, and the waits between one link and the next.
/// </summary>
internal sealed class SourcePostcopy : IDisposable
{
    private readonly Machine machine;
    private readonly MigrationSourceOptions options;
    private readonly PostcopySourceOptions postcopy;
    private readonly HandOver handOver;
    private readonly ProgressKeeper progress;
    private readonly UnsentPages unsent;
    private readonly RamBlock[] ram;
    private readonly object gate = new();
    private PostcopyLink link;
    private PostcopySender? pages;
    private Func<PostcopyLink>? reconnect;
    private bool isPaused;

    public SourcePostcopy(Machine machine, MigrationSourceOptions options, HandOver handOver, ProgressKeeper progress, Channel main, Channel? preempt)
    {
        (this.machine, this.options, this.handOver, this.progress) = (machine, options, handOver, progress);
        postcopy = options.Postcopy!;
        if (options.Features.IgnoreShared)
            throw new InvalidOperationException("Postcopy and x-ignore-shared do not go together: a page that is shared is never missing.");
        ram = RamPrecopy.MigratableBlocks(machine.Memory);
        var sizes = Units(machine, postcopy);
        unsent = new UnsentPages([.. ram.Select(block => new PostcopyBlock(block.Name, block.UsedLength, sizes[block.Name]))], machine.Memory.PageSize) { PushesZeros = !postcopy.LeaveOutZeroPages };
        link = new PostcopyLink(main, preempt, sender: null, reason => handOver.TryStop(reason, isCancel: false));
    }

    public ReturnPath ReturnPath => link.ReturnPath;

    /// <summary>Whether the guest goes over by postcopy: decided once, when it is stopped.</summary>
    public bool IsStarted { get; private set; }

    public PostcopyFigures? Figures => Volatile.Read(ref pages)?.Figures;

    /// <summary>What comes after the guest was stopped.</summary>
    public (MigrationStatus Status, Action<StreamSender> Run)[] Phases =>
    [
        (MigrationStatus.Device, CompleteOthers),
        (MigrationStatus.Device, FindMissing),
        (MigrationStatus.Device, HandGuestOver),
        (MigrationStatus.PostcopyActive, SendPages),
    ];

    /// <summary>Bytes that are placed at once at the destination, by block.</summary>
    public static Dictionary<string, int> Units(Machine machine, PostcopySourceOptions postcopy)
        => RamPrecopy.MigratableBlocks(machine.Memory).ToDictionary(
            static block => block.Name, block => postcopy.UnitSizes.GetValueOrDefault(block.Name, (int)Math.Max(block.PageSize, machine.Memory.PageSize)));

    /// <summary>Whether precopy ends here: asked in every round, until it says so.</summary>
    public bool ShouldStart(bool isRequested)
    {
        IsStarted = postcopy.Start == PostcopyStart.AtOnce
            || isRequested
            || postcopy.Start == PostcopyStart.Unconverged && machine.Ram.Traffic.DirtySyncCount >= postcopy.Rounds;
        return IsStarted;
    }

    public void Advise(StreamSender sender) => sender.WriteElements(output => PostcopyStream.WriteAdvise(output, unsent));

    /// <summary>Takes another connection. Any thread.</summary>
    /// <param name="connect">Makes it, on the migration's thread.</param>
    /// <returns>Whether there is need of one.</returns>
    public bool TryRecover(Func<PostcopyLink> connect)
    {
        lock (gate)
        {
            if (!isPaused || reconnect != null)
                return false;
            reconnect = connect;
            Monitor.PulseAll(gate);
            return true;
        }
    }

    public void Dispose() => link.Dispose();

    /// <summary>State that moves in rounds and is not RAM has no postcopy: it goes before.</summary>
    private void CompleteOthers(StreamSender sender)
    {
        if (options.SendSwitchoverStart)
            sender.WriteCommand(QemuCommandId.SwitchoverStart);
        foreach (var section in sender.Started)
        {
            if (section.Handler != machine.Ram)
                sender.Complete(section);
        }
    }

    /// <summary>Missing is what was never sent, or dirtied since: whole pages of the destination's. All of it is to be discarded there.</summary>
    private void FindMissing(StreamSender sender)
    {
        var left = machine.Ram.SwitchToPostcopy();
        for (var i = 0; i < left.Count; i++)
        {
            unsent.SetContents(i, left[i].Touched);
            unsent.Add(i, left[i].Pending);
            unsent.Add(i, left[i].Restless);
        }
        sender.WriteElements(output => PostcopyStream.WriteDiscards(output, unsent));
    }

    private void HandGuestOver(StreamSender sender)
    {
        var section = new PostcopySection(sender.Started.First(section => section.Handler == machine.Ram).Id);
        pages = new PostcopySender(unsent, new GuestPageReader(machine.Memory, ram), section, new PostcopySendOptions
        {
            MaxBandwidth = postcopy.MaxBandwidth,
            AnswerTimeout = postcopy.AnswerTimeout,
        });
        var package = PostcopyStream.MakePackage(sender.SaveDevices(), hasFooters: true);
        sender.Flush();
        link.ServeBy(pages);

        // Its last byte lets the guest run there.
        handOver.Commit();
        sender.WriteElements(output => output.WritePackage(package));
        progress.EndSwitchover();
    }

    private void SendPages(StreamSender sender)
    {
        while (true)
        {
            try
            {
                pages!.Send(link);
                return;
            }
            catch (ChannelException e)
            {
                Pause(e);
            }
        }
    }

    /// <summary>Waits for a link on which the destination goes on; those that die meanwhile are lost like the first.</summary>
    private void Pause(ChannelException lost)
    {
        while (true)
        {
            // Whoever reads that it is paused may recover it.
            lock (gate)
                isPaused = true;
            progress.Enter(MigrationStatus.PostcopyPaused);
            link.Dispose();
            var connect = WaitForRecovery(lost);
            try
            {
                link = connect();
                progress.Enter(MigrationStatus.PostcopyRecover);
                pages!.Recover(link);
                progress.Enter(MigrationStatus.PostcopyActive);
                return;
            }
            catch (ChannelException e)
            {
                lost = e;
            }
        }
    }

    private Func<PostcopyLink> WaitForRecovery(ChannelException lost)
    {
        var end = Deadline.In(postcopy.RecoveryTimeout);
        lock (gate)
        {
            while (reconnect is null)
            {
                if (end.HasPassed)
                    throw new IOException($"{lost.Message} Nobody has recovered it within {postcopy.RecoveryTimeout.TotalSeconds:0.###} s; the guest at the destination lacks {unsent.Describe()}.", lost);
                Monitor.Wait(gate, end.Milliseconds());
            }
            var connect = reconnect;
            (reconnect, isPaused) = (null, false);
            return connect;
        }
    }
}
