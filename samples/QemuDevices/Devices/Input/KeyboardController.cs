using VmStateGen;

namespace QemuDevices;

/// <summary>The keyboard controller on the ISA bus: section <c>pckbd</c>, which holds nothing but the controller.</summary>
[VmState("pckbd", Version = 3, MinimumVersion = 3)]
public sealed partial class IsaKeyboardController
{
    [Field] private readonly KeyboardController kbd = new();
}

/// <summary>An 8042.</summary>
[VmState("pckbd", Nested = true, Version = 3, MinimumVersion = 3)]
[Subsection("pckbd_outport", Present = nameof(hasOutport))]
[Subsection("pckbd/extended_state", Version = 0, MinimumVersion = 0, Present = nameof(hasExtendedState))]
public sealed partial class KeyboardController
{
    [Field] private byte writeCmd;
    [Field] private byte status;
    [Field] private byte mode;
    [Field] private byte pendingTmp;

    [Ignore("whether its subsection came")] private bool hasOutport;
    [Field(Subsection = "pckbd_outport")] private byte outport;

    [Ignore("whether its subsection came")] private bool hasExtendedState;
    [Field(Subsection = "pckbd/extended_state")] private uint migrationFlags;
    [Field(Subsection = "pckbd/extended_state")] private uint obsrc;
    [Field(Subsection = "pckbd/extended_state")] private byte obdata;
    [Field(Subsection = "pckbd/extended_state")] private byte cbdata;
}
