using System.Collections.Generic;

namespace VmStateGen.Qemu;

/// <summary>What machine to start.</summary>
public sealed record QemuOptions
{
    /// <summary>The machine type: <c>pc</c>, <c>q35</c>, or a versioned one such as <c>pc-i440fx-7.2</c>.</summary>
    public string Machine { get; init; } = "pc";

    /// <summary>Guest RAM. Small by default: what a test does not need it should not save.</summary>
    public int MemoryMiB { get; init; } = 64;

    /// <summary><c>tcg</c> works everywhere; <c>kvm</c> where /dev/kvm does.</summary>
    public string Accelerator { get; init; } = "tcg";

    /// <summary>What the machine boots; without one it looks for something to boot and finds nothing.</summary>
    public CountingGuest? Guest { get; init; }

    /// <summary>Start as the destination of a migration that is named later (<c>-incoming defer</c>).</summary>
    public bool Incoming { get; init; }

    /// <summary>Do not start the guest (<c>-S</c>); a destination then stays stopped after it has loaded.</summary>
    public bool Paused { get; init; }

    /// <summary>Anything else for the command line. A migration needs the same devices on both sides.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];
}
