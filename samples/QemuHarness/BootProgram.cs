using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;

namespace VmStateGen.Qemu;

/// <summary>
/// A program of one disk sector. The BIOS enters it in 16-bit code; what is emitted runs in 32-bit code with flat segments, without interrupts
/// and without a handler for any fault.
/// </summary>
public sealed class BootProgram
{
    private const int SectorSize = 512;
    private const int LoadAddress = 0x7C00;

    // Null, flat code, flat data.
    private static ReadOnlySpan<byte> Descriptors => [0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0x9A, 0xCF, 0, 0xFF, 0xFF, 0, 0, 0, 0x92, 0xCF, 0];

    private static ReadOnlySpan<byte> Signature => [0x55, 0xAA];

    private readonly List<byte> code = new(SectorSize);
    private readonly int descriptorTable;

    /// <summary>Begins with the way into protected mode; ds and es are flat.</summary>
    public BootProgram()
    {
        Emit(0xFA);                                // cli             no interrupt ever again: there is no handler
        Emit(0x31, 0xC0);                          // xor ax, ax
        Emit(0x8E, 0xD8);                          // mov ds, ax
        Emit(0xE4, 0x92);                          // in al, 0x92
        Emit(0x0C, 0x02);                          // or al, 2        open address line 20
        Emit(0x24, 0xFE);                          // and al, ~1      and do not reset
        Emit(0xE6, 0x92);                          // out 0x92, al
        Emit(0x0F, 0x01, 0x16);                    // lgdt [descriptorTable]
        descriptorTable = Reserve16();
        Emit(0x0F, 0x20, 0xC0);                    // mov eax, cr0
        Emit(0x0C, 0x01);                          // or al, 1        protected mode
        Emit(0x0F, 0x22, 0xC0);                    // mov cr0, eax
        Emit(0xEA);                                // jmp 0x08:start
        int start = Reserve16();
        Emit(0x08, 0x00);
        Fill16(start, LoadAddress + code.Count);   // start:
        Emit(0x66, 0xB8, 0x10, 0x00);              // mov ax, 0x10
        Emit(0x8E, 0xD8);                          // mov ds, ax
        Emit(0x8E, 0xC0);                          // mov es, ax
    }

    /// <summary>Where the next instruction goes: a target for <see cref="Jump"/>.</summary>
    public int Here => code.Count;

    /// <summary>Appends machine code.</summary>
    public void Emit(params ReadOnlySpan<byte> bytes) => code.AddRange(bytes);

    /// <summary>Appends an instruction with a displacement, or an immediate operand, of 32 bits.</summary>
    public void Emit(ReadOnlySpan<byte> opcode, uint operand)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, operand);
        code.AddRange(opcode);
        code.AddRange(bytes);
    }

    /// <summary>Appends an instruction with both.</summary>
    public void Emit(ReadOnlySpan<byte> opcode, uint displacement, uint immediate)
    {
        Emit(opcode, displacement);
        Emit([], immediate);
    }

    /// <summary>Appends a short jump with the opcode given (0xEB, 0x75, …) to a place at most 126 bytes before it.</summary>
    public void Jump(byte opcode, int to)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(to, code.Count + 2 + sbyte.MinValue);
        Emit(opcode, (byte)(to - (code.Count + 2)));
    }

    /// <summary>The boot sector, as firmware loads it to 0x7C00.</summary>
    /// <exception cref="InvalidOperationException">The program does not fit.</exception>
    public byte[] ToSector()
    {
        // The descriptors, and the register image that names them, follow the code.
        int table = (code.Count + 7) & ~7;
        int image = table + Descriptors.Length;
        if (image + sizeof(ushort) + sizeof(uint) > SectorSize - Signature.Length)
            throw new InvalidOperationException($"{code.Count} bytes of code do not fit into a sector");
        var sector = new byte[SectorSize];
        code.CopyTo(sector);
        Descriptors.CopyTo(sector.AsSpan(table));
        BinaryPrimitives.WriteUInt16LittleEndian(sector.AsSpan(image), (ushort)(Descriptors.Length - 1));
        BinaryPrimitives.WriteUInt32LittleEndian(sector.AsSpan(image + sizeof(ushort)), (uint)(LoadAddress + table));
        BinaryPrimitives.WriteUInt16LittleEndian(sector.AsSpan(descriptorTable), (ushort)(LoadAddress + image));
        Signature.CopyTo(sector.AsSpan(SectorSize - Signature.Length));
        return sector;
    }

    /// <summary>Writes a disk that boots it. One that firmware takes for a disk: a bare sector is too small for its geometry.</summary>
    public void WriteDisk(string path)
    {
        using FileStream file = File.Create(path);
        file.Write(ToSector());
        file.SetLength(1 << 20);
    }

    private int Reserve16()
    {
        Emit(0, 0);
        return code.Count - 2;
    }

    private void Fill16(int at, int value) => (code[at], code[at + 1]) = ((byte)value, (byte)(value >> 8));
}
