using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>The scenes, one line each for what their guest does. Between them, and those of StockScenes.cs, every subsection of every device appears.</summary>
public sealed partial record Scene
{
    private const int Keyboard = 0x60;
    private const int FloppyOutput = 0x3F2;
    private const int FloppyStatus = 0x3F4;
    private const int FloppyData = 0x3F5;
    private const int SerialData = 0x3F8;
    private const int SerialInterruptEnable = 0x3F9;
    private const int SerialFifo = 0x3FA;
    private const int SerialLineControl = 0x3FB;
    private const int SerialModemControl = 0x3FC;
    private const byte Loopback = 0x10;

    private static readonly string[] Pc = ["timer", "i8259", "i8254", "serial", "fdc", "ps2kbd", "e1000"];
    private static readonly string[] Network = ["-device", "e1000,addr=3"];
    private static readonly string[] Floppy = ["-drive", "if=floppy,format=raw,file={folder}/floppy"];

    /// <summary>Registers of the e1000 up to the last one that has a name.</summary>
    private const int NumberedRegisters = 0x1700;

    public static IReadOnlyList<Scene> All { get; } = [.. SevenDevices(), .. StockMachines()];

    private static Scene[] SevenDevices() =>
    [
        new() { Name = "pc", Devices = Pc, Arguments = Network, Subsections = ["e1000/mit_state", "e1000/full_mac_state", "e1000/tx_tso_state", "fdrive/media_rate"] },
        new() { Name = "pc-of-7.2", Machine = "pc-i440fx-7.2", Devices = Pc, Arguments = Network },
        new() { Name = "q35", Machine = "q35", Devices = Pc, Arguments = Network, Subsections = ["e1000/mit_state", "e1000/full_mac_state", "e1000/tx_tso_state"] },
        new()
        {
            Name = "icount-fixed", Devices = ["timer"], Arguments = ["-icount", "shift=3,sleep=off"],
            Subsections = ["timer/icount"],
        },
        new()
        {
            Name = "icount-auto", Devices = ["timer"], Arguments = ["-icount", "shift=auto"],
            Subsections = ["timer/icount", "timer/icount/warp_timer", "timer/icount/timers", "timer/icount/shift"],
        },
        new()
        {
            // At two bits a second the timeout of the receiver is far away.
            Name = "serial-loopback", Devices = ["serial"],
            Subsections = ["serial/thr_ipending", "serial/recv_fifo", "serial/fifo_timeout_timer"],
            Program = new PortProgram()
                .Out(SerialLineControl, 0x83).Out(SerialData, 0xFF).Out(SerialInterruptEnable, 0xFF).Out(SerialLineControl, 0x03)
                .Out(SerialInterruptEnable, 0x0F).Out(SerialFifo, 0x01).Out(SerialModemControl, Loopback | 0x0B)
                .Out(SerialData, "hello"u8.ToArray()),
        },
        new()
        {
            Name = "serial-timeout", Devices = ["serial"],
            Subsections = ["serial/recv_fifo", "serial/timeout_ipending"],
            Program = new PortProgram()
                .Out(SerialInterruptEnable, 0x01).Out(SerialFifo, 0x81).Out(SerialModemControl, Loopback | 0x0B)
                .Out(SerialData, "hello"u8.ToArray()).WaitFor(SerialFifo, 0x0F, 0x0C),
        },
        new()
        {
            Name = "serial-blocked", Devices = ["serial"], HasDeafPeer = true,
            Subsections = ["serial/tsr", "serial/xmit_fifo"],
            Arguments = ["-chardev", "socket,id=line,path={folder}/line,server=on,wait=off", "-serial", "chardev:line"],
            Program = new PortProgram().Out(SerialInterruptEnable, 0x0F).Out(SerialFifo, 0x01).Out(SerialModemControl, 0x0B).Flood(SerialData, 0x41, 20),
        },
        new()
        {
            Name = "fdc-reset", Devices = ["fdc"], Arguments = Floppy, Subsections = ["fdc/reset_sensei"],
            Program = new PortProgram().Out(FloppyOutput, 0x00, 0x0C),
        },
        new()
        {
            Name = "fdc-read-id", Devices = ["fdc"], Arguments = Floppy, Subsections = ["fdc/result_timer"],
            Program = ResetFloppy().Out(FloppyData, 0x4A, 0x00),
        },
        new()
        {
            Name = "fdc-perpendicular", Devices = ["fdc"], Arguments = Floppy, Subsections = ["fdrive/perpendicular"],
            Program = ResetFloppy().Out(FloppyData, 0x12, 0x87),
        },
        new()
        {
            Name = "fdc-seek", Devices = ["fdc"], Arguments = Floppy, Subsections = ["fdrive/media_changed"],
            Program = ResetFloppy().Out(FloppyData, 0x0F, 0x00, 0x05).Delay(100_000).Out(FloppyData, 0x08).In(FloppyData, 2),
        },
        new()
        {
            Name = "keyboard", Devices = ["ps2kbd"],
            Subsections = ["ps2kbd/ledstate", "ps2kbd/command_reply_queue"],
            Program = new PortProgram().Out(Keyboard, 0xED).Delay(100_000).Out(Keyboard, 0x07).Delay(100_000).In(Keyboard, 3).Out(Keyboard, 0xF2).Delay(100_000),
        },
        new()
        {
            // What no guest brings about: a stream that has it is loaded, and QEMU saves it again.
            Name = "loaded", Devices = ["serial", "ps2kbd", "fdc"],
            Subsections = ["serial/poll", "ps2kbd/need_high_bit", "fdc/phase"],
            Edit = section => section with
            {
                Data =
                [
                    .. section.Data,
                    .. section.VmsdName switch
                    {
                        "serial" => Subsection("serial/poll", 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x30, 0x39),
                        "ps2kbd" => Subsection("ps2kbd/need_high_bit", 1, 1),
                        _ => Subsection("fdc/phase", 1, 2),
                    },
                ],
            },
        },
        new()
        {
            // Each register holds its own number, so that a single field tells which register it is.
            Name = "e1000-numbered", Devices = ["e1000"], Arguments = Network, Subsections = ["e1000/full_mac_state"],
            Edit = section => section with { Data = NumberRegisters(section.Data) },
        },
        .. OnBuses(),
    ];

    private static PortProgram ResetFloppy()
    {
        PortProgram program = new PortProgram().Out(FloppyOutput, 0x00, 0x1C).Delay(200_000);
        for (int drive = 0; drive < 4; drive++)
            program.WaitFor(FloppyStatus, 0x80, 0x80).Out(FloppyData, 0x08).In(FloppyData, 2);
        return program;
    }

    private static byte[] NumberRegisters(byte[] data)
    {
        byte[] numbered = [.. data];
        ReadOnlySpan<byte> name = "e1000/full_mac_state"u8;
        Span<byte> registers = numbered.AsSpan(numbered.AsSpan().IndexOf(name) + name.Length + 4);
        for (int i = 0; i < NumberedRegisters; i++)
            BinaryPrimitives.WriteInt32BigEndian(registers[(i * 4)..], i);
        return numbered;
    }
}
