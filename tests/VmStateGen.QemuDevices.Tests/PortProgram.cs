using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>A guest of one disk sector that does nothing but read and write I/O ports, then stops its machine.</summary>
/// <remarks>
/// It stops the machine itself, through the pvpanic device with <c>-action panic=pause</c>, so that no time passes between its last
/// access and the migration. 16-bit code as the BIOS enters it, interrupts off.
/// </remarks>
public sealed class PortProgram
{
    private const int SectorSize = 512;
    private const int Room = 440; // what follows belongs to the partition table
    private const int PanicPort = 0x505;

    private readonly List<byte> code = [0xFA]; // cli

    /// <summary>What QEMU needs for the stop.</summary>
    public static IReadOnlyList<string> Arguments { get; } = ["-device", "pvpanic", "-action", "panic=pause"];

    /// <summary>The run state that it leaves the machine in.</summary>
    public static string StoppedState => "guest-panicked";

    /// <summary>Writes bytes to a port.</summary>
    public PortProgram Out(int port, params byte[] values)
    {
        Port(port);
        foreach (byte value in values)
            Emit(0xB0, value, 0xEE);                    // mov al, value; out dx, al
        return this;
    }

    /// <summary>Writes a byte to a port, 65536 times <paramref name="rounds"/>.</summary>
    public PortProgram Flood(int port, byte value, byte rounds)
    {
        Port(port);
        Emit(0xB0, value, 0xB3, rounds);                // mov al, value; mov bl, rounds
        Emit(0x31, 0xC9);                               // xor cx, cx
        Emit(0xEE, 0xE2, 0xFD);                         // out dx, al; loop back to it
        Emit(0xFE, 0xCB, 0x75, 0xF9);                   // dec bl; jnz back to out
        return this;
    }

    /// <summary>Reads a port.</summary>
    public PortProgram In(int port, int times = 1)
    {
        Port(port);
        Emit([.. Enumerable.Repeat((byte)0xEC, times)]); // in al, dx
        return this;
    }

    /// <summary>Reads a port until the bits of the mask have that value.</summary>
    public PortProgram WaitFor(int port, byte mask, byte value)
    {
        Port(port);
        Emit(0xEC, 0x24, mask, 0x3C, value, 0x75, 0xF9); // in al, dx; and al, mask; cmp al, value; jne back
        return this;
    }

    /// <summary>Lets the BIOS write the program's own memory onto a disk, from the second sector on.</summary>
    public PortProgram WriteDisk(byte drive, byte sectors)
    {
        Emit(0xFB, 0x31, 0xC0, 0x8E, 0xC0);             // sti; xor ax, ax; mov es, ax
        Emit(0xB8, sectors, 0x03, 0xB9, 0x02, 0x00);    // mov ax, write; mov cx, second sector
        Emit(0xBA, drive, 0x00, 0xBB, 0x00, 0x7C);      // mov dx, drive; mov bx, the program
        Emit(0xCD, 0x13);                               // int the BIOS's disks
        return this;
    }

    /// <summary>Passes the time with an empty loop.</summary>
    public PortProgram Delay(int turns)
    {
        Span<byte> count = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(count, turns);
        Emit(0x66, 0xB9);                               // mov ecx, turns
        Emit(count);
        Emit(0x66, 0x49, 0x75, 0xFC);                   // dec ecx; jnz back to it
        return this;
    }

    /// <summary>A disk that boots the program.</summary>
    public byte[] Disk()
    {
        int length = code.Count;
        Out(PanicPort, 1);
        Emit(0xEB, 0xFE);                               // jmp to itself
        if (code.Count > Room)
            throw new InvalidOperationException($"{code.Count} bytes of code, and room for {Room}");
        // A bare sector is too small for its geometry to be taken for a disk.
        byte[] disk = new byte[1 << 20];
        code.CopyTo(disk);
        disk[SectorSize - 2] = 0x55;
        disk[SectorSize - 1] = 0xAA;
        code.RemoveRange(length, code.Count - length);
        return disk;
    }

    private void Port(int port) => Emit(0xBA, (byte)port, (byte)(port >> 8)); // mov dx, port

    private void Emit(params ReadOnlySpan<byte> bytes) => code.AddRange(bytes);
}
