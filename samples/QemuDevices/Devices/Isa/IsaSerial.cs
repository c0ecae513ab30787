using VmStateGen;

namespace QemuDevices;

/// <summary>A serial port on the ISA bus: section <c>serial</c>, which holds nothing but the UART.</summary>
[VmState("serial", Version = 3, MinimumVersion = 2)]
public sealed partial class IsaSerial
{
    [Field] private readonly SerialPort state = new();
}

/// <summary>A 16550A UART.</summary>
/// <remarks>
/// When QEMU sends the subsections is not known here, so what a stream had is kept. All seven were met in streams of 7.2 and 10.0;
/// <c>serial/poll</c>, which needs a real line behind the port, only after a stream that had it was loaded.
/// </remarks>
[VmState("serial", Nested = true, Version = 3, MinimumVersion = 2)]
[Subsection("serial/thr_ipending", Present = nameof(hasThrIpending))]
[Subsection("serial/tsr", Present = nameof(hasTsr))]
[Subsection("serial/recv_fifo", Present = nameof(hasRecvFifo))]
[Subsection("serial/xmit_fifo", Present = nameof(hasXmitFifo))]
[Subsection("serial/fifo_timeout_timer", Present = nameof(hasFifoTimeoutTimer))]
[Subsection("serial/timeout_ipending", Present = nameof(hasTimeoutIpending))]
[Subsection("serial/poll", Present = nameof(hasPoll))]
public sealed partial class SerialPort
{
    private const int FifoCapacity = 16;

    [Field] private ushort divider;
    [Field] private byte rbr;
    [Field] private byte ier;
    [Field] private byte iir;
    [Field] private byte lcr;
    [Field] private byte mcr;
    [Field] private byte lsr;
    [Field] private byte msr;
    [Field] private byte scr;
    [Field(Version = 3, Default = 0)] private byte fcrVmstate;

    [Ignore("whether its subsection came")] private bool hasThrIpending;
    [Field(Subsection = "serial/thr_ipending")] private int thrIpending;

    [Ignore("whether its subsection came")] private bool hasTsr;
    [Field(Subsection = "serial/tsr")] private uint tsrRetry;
    [Field(Subsection = "serial/tsr")] private byte thr;
    [Field(Subsection = "serial/tsr")] private byte tsr;

    [Ignore("whether its subsection came")] private bool hasRecvFifo;
    [Field(Subsection = "serial/recv_fifo")] private readonly Fifo8 recvFifo = new(FifoCapacity);

    [Ignore("whether its subsection came")] private bool hasXmitFifo;
    [Field(Subsection = "serial/xmit_fifo")] private readonly Fifo8 xmitFifo = new(FifoCapacity);

    [Ignore("whether its subsection came")] private bool hasFifoTimeoutTimer;
    [Field(Subsection = "serial/fifo_timeout_timer")] private VmTimer fifoTimeoutTimer;

    [Ignore("whether its subsection came")] private bool hasTimeoutIpending;
    [Field(Subsection = "serial/timeout_ipending")] private int timeoutIpending;

    [Ignore("whether its subsection came")] private bool hasPoll;
    [Field(Subsection = "serial/poll")] private int pollMsl;
    [Field(Subsection = "serial/poll")] private VmTimer modemStatusPoll;
}
