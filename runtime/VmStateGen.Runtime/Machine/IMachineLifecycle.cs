namespace VmStateGen.Runtime;

/// <summary>What the embedder does with the guest's CPUs when a migration asks for it.</summary>
/// <remarks>
/// Called on a migration's own thread, one call at a time. A call returns when it is so: after <see cref="Pause"/> no vCPU and no device
/// writes RAM or state any more. An exception fails the migration.
/// </remarks>
public interface IMachineLifecycle
{
    /// <summary>Whether the guest's CPUs run. A migration of a paused guest pauses and resumes nothing at the source.</summary>
    bool IsRunning { get; }

    /// <summary>Stops the guest, after what its devices have in flight.</summary>
    void Pause();

    /// <summary>Lets it run: a migration that failed before its hand-over, or a destination that has loaded.</summary>
    void Resume();

    /// <summary>
    /// Takes time away from the vCPUs, so that they dirty less RAM (QEMU's auto-converge). At 20 each vCPU stands still for 20 % of the time, in
    /// slices that the guest survives: some 10 ms; time in the guest goes on. At a source only, while the guest runs. A call returns at once, and
    /// the next one takes its place: that with 0 ends it, before the migration does, however it ends.
    /// </summary>
    /// <remarks>Who cannot do this does nothing: a guest that dirties faster than the link then goes on for as long as the options allow.</remarks>
    /// <param name="percent">0 (none) to 99.</param>
    void Throttle(int percent);
}
