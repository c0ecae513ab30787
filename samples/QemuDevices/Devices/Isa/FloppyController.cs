using VmStateGen;

namespace QemuDevices;

/// <summary>The floppy controller on the ISA bus: section <c>fdc</c>, which holds nothing but the controller.</summary>
[VmState("fdc", Version = 2, MinimumVersion = 2)]
public sealed partial class IsaFloppyController
{
    [Field] private readonly FloppyController state;

    /// <param name="drives">Drives that the controller has; a stream from one with more or fewer is refused.</param>
    public IsaFloppyController(byte drives = FloppyController.MaxDrives) => state = new FloppyController(drives);
}

/// <summary>An 82078 floppy controller.</summary>
/// <remarks>
/// When QEMU sends the subsections is not known here, so what a stream had is kept. All were met in streams of 7.2 and 10.0;
/// <c>fdc/phase</c> only after a stream that had it was loaded.
/// </remarks>
[VmState("fdc", Nested = true, Version = 2, MinimumVersion = 2)]
[Subsection("fdc/reset_sensei", Present = nameof(hasResetSensei))]
[Subsection("fdc/result_timer", Present = nameof(hasResultTimer))]
[Subsection("fdc/phase", Present = nameof(hasPhase))]
public sealed partial class FloppyController
{
    /// <summary>Drives that are on the wire, connected or not.</summary>
    public const int MaxDrives = 2;

    [Field] private byte sra;
    [Field] private byte srb;
    [Field] private byte dorVmstate;
    [Field] private byte tdr;
    [Field] private byte dsr;
    [Field] private byte msr;
    [Field] private byte status0;
    [Field] private byte status1;
    [Field] private byte status2;
    [Field(Length = 512, As = WireType.U8)] private readonly byte[] fifo = new byte[512];
    [Field] private uint dataPos;
    [Field] private uint dataLen;
    [Field] private byte dataState;
    [Field] private byte dataDir;
    [Field] private byte eot;
    [Field] private byte timer0;
    [Field] private byte timer1;
    [Field] private byte precompTrk;
    [Field] private byte config;
    [Field("lock")] private byte isLocked;
    [Field] private byte pwrd;
    [Field(Expect = Expect.Equal)] private readonly byte numFloppies;
    [Field(Length = MaxDrives)] private readonly FloppyDrive[] drives = [new(), new()];

    [Ignore("whether its subsection came")] private bool hasResetSensei;
    [Field(Subsection = "fdc/reset_sensei")] private int resetSensei;

    [Ignore("whether its subsection came")] private bool hasResultTimer;
    [Field(Subsection = "fdc/result_timer")] private VmTimer resultTimer;

    [Ignore("whether its subsection came")] private bool hasPhase;
    [Field(Subsection = "fdc/phase")] private byte phase;

    /// <param name="drives">Drives that the controller has.</param>
    public FloppyController(byte drives) => numFloppies = drives;
}

/// <summary>One drive, with a medium or without.</summary>
[VmState("fdrive", Nested = true)]
[Subsection("fdrive/media_changed", Present = nameof(hasMediaChanged))]
[Subsection("fdrive/media_rate", Present = nameof(hasMediaRate))]
[Subsection("fdrive/perpendicular", Present = nameof(hasPerpendicular))]
public sealed partial class FloppyDrive
{
    [Field] private byte head;
    [Field] private byte track;
    [Field] private byte sect;

    [Ignore("whether its subsection came")] private bool hasMediaChanged;
    [Field(Subsection = "fdrive/media_changed")] private byte mediaChanged;

    [Ignore("whether its subsection came")] private bool hasMediaRate;
    [Field(Subsection = "fdrive/media_rate")] private byte mediaRate;

    [Ignore("whether its subsection came")] private bool hasPerpendicular;
    [Field(Subsection = "fdrive/perpendicular")] private byte perpendicular;
}
