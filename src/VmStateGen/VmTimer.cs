using System;

namespace VmStateGen;

/// <summary>When a device's timer fires; 8 bytes on the wire (qemu-migration.md §2.5, <c>timer</c>).</summary>
/// <param name="ExpireTime">Nanoseconds of the timer's clock; all ones: not armed.</param>
public readonly record struct VmTimer(ulong ExpireTime)
{
    /// <summary>The timer that is not armed.</summary>
    public static VmTimer Unarmed => new(ulong.MaxValue);

    /// <summary>Whether it will fire.</summary>
    public bool IsArmed => ExpireTime != ulong.MaxValue;

    /// <inheritdoc/>
    public override string ToString() =>
        IsArmed ? TimeSpan.FromTicks((long)(ExpireTime / 100)).ToString("c") : "not armed";
}
