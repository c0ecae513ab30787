using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;

namespace VmStateGen.Benchmarks;

/// <summary>
/// A guest of one disk sector that fills its RAM, waits until it finds itself on another machine, and there touches pages in a scattered order,
/// each once, with the time of each touch by its own clock kept in a table.
/// </summary>
/// <remarks>It knows that it has moved by what a port reads as: a property of a device that belongs to the machine, not to the migration.</remarks>
internal static class FirstTouchGuest
{
    /// <summary>Its RAM in MiB.</summary>
    public const int MemoryMiB = 512;

    /// <summary>How many pages it touches, of <see cref="Pages"/>: few enough that the push outlasts them.</summary>
    public const int Touches = 512;

    /// <summary>Bytes from <see cref="State"/> on that say all: a mark, a mark, a clock of 64 bits, and the table of 32-bit ticks.</summary>
    public const int StateLength = TableOffset + Touches * sizeof(uint);

    /// <summary>The guest-physical address of its state.</summary>
    public const int State = 0x10_0000;

    private const int Pages = 65536;
    private const int FillAddress = 0x20_0000;
    private const int FillLength = (MemoryMiB << 20) - (FillAddress + 0x10_0000);
    private const int TouchAddress = 0x400_0000;
    private const int TableOffset = 4096;
    private const int LoadAddress = 0x7C00;
    private const uint Pattern = 0x5AA5_C33C;
    private const uint Mark = 0x4753_4D56;
    private const byte Port = 0xE9;
    private const byte Arrived = 0x2A;

    /// <summary>The arguments of a QEMU that has it, on a disk that <see cref="WriteDisk"/> has written.</summary>
    public static IReadOnlyList<string> Arguments(string disk, bool isDestination) =>
    [
        "-nodefaults", "-drive", $"file={disk},format=raw,if=ide,snapshot=on", "-chardev", "null,id=console",
        "-device", $"isa-debugcon,iobase={Port},chardev=console,readback={(isDestination ? Arrived : 0)}",
    ];

    public static void WriteDisk(string path)
    {
        byte[] disk = new byte[1 << 20];
        BootSector().CopyTo(disk, 0);
        (disk[510], disk[511]) = (0x55, 0xAA);
        File.WriteAllBytes(path, disk);
    }

    /// <summary>Whether its RAM is full, and it waits to be moved.</summary>
    public static bool IsReady(ReadOnlySpan<byte> state) => BinaryPrimitives.ReadUInt32LittleEndian(state) == Mark;

    /// <summary>Whether it has touched everything.</summary>
    public static bool IsDone(ReadOnlySpan<byte> state) => BinaryPrimitives.ReadUInt32LittleEndian(state[4..]) == Mark;

    /// <summary>Its clock while it waits.</summary>
    public static ulong Clock(ReadOnlySpan<byte> state) => BinaryPrimitives.ReadUInt64LittleEndian(state[8..]);

    /// <summary>Ticks of each touch, in their order.</summary>
    /// <exception cref="InvalidDataException">A page was wrong.</exception>
    public static uint[] Ticks(ReadOnlySpan<byte> state)
    {
        var ticks = new uint[Touches];
        for (int i = 0; i < Touches; i++)
        {
            ticks[i] = BinaryPrimitives.ReadUInt32LittleEndian(state[(TableOffset + i * sizeof(uint))..]);
            if (ticks[i] is 0 or uint.MaxValue)
                throw new InvalidDataException($"Touch {i} has found a wrong page, or was not made.");
        }
        return ticks;
    }

    private static byte[] BootSector()
    {
        var code = new List<byte>();

        // 16-bit code, as the BIOS enters it.
        Emit(0xFA);                                                // cli
        Emit(0x31, 0xC0, 0x8E, 0xD8);                              // xor ax, ax; mov ds, ax
        Emit(0xE4, 0x92, 0x0C, 0x02, 0x24, 0xFE, 0xE6, 0x92);      // in al, 0x92; or al, 2; and al, ~1; out 0x92, al
        Emit(0x0F, 0x01, 0x16); int gdtr = Emit16();               // lgdt [gdtr]
        Emit(0x0F, 0x20, 0xC0, 0x0C, 0x01, 0x0F, 0x22, 0xC0);      // mov eax, cr0; or al, 1; mov cr0, eax
        Emit(0xEA); int start = Emit16(); Emit(0x08, 0x00);        // jmp 0x08:start

        // 32-bit code in flat segments.
        Fill16(start, LoadAddress + code.Count);                   // start:
        Emit(0x66, 0xB8, 0x10, 0x00, 0x8E, 0xD8, 0x8E, 0xC0);      // mov ax, 0x10; mov ds, ax; mov es, ax
        Emit(0xBF); Emit32(FillAddress);                           // mov edi, FillAddress
        Emit(0xB9); Emit32(FillLength / 4);                        // mov ecx, FillLength / 4
        Emit(0xB8); Emit32(Pattern);                               // mov eax, Pattern
        Emit(0xFC, 0xF3, 0xAB);                                    // cld; rep stosd
        Emit(0xC7, 0x05); Emit32(State + 4); Emit32(0);            // mov dword [State + 4], 0
        Emit(0xC7, 0x05); Emit32(State); Emit32(Mark);             // mov dword [State], Mark
        int poll = code.Count;                                     // poll:
        Emit(0x0F, 0x31);                                          // rdtsc
        Emit(0xA3); Emit32(State + 8);                             // mov [State + 8], eax
        Emit(0x89, 0x15); Emit32(State + 12);                      // mov [State + 12], edx
        Emit(0xE4, Port, 0x3C, Arrived);                           // in al, Port; cmp al, Arrived
        Jump(0x75, poll);                                          // jne poll

        // What is not measured is touched before: the table.
        Emit(0xBF); Emit32(State + TableOffset);                   // mov edi, State + TableOffset
        Emit(0xB9); Emit32(Touches);                               // mov ecx, Touches
        Emit(0x31, 0xC0, 0xF3, 0xAB);                              // xor eax, eax; rep stosd
        Emit(0xBF); Emit32(State + TableOffset);                   // mov edi, State + TableOffset
        Emit(0xBD); Emit32(Touches);                               // mov ebp, Touches
        Emit(0x31, 0xDB);                                          // xor ebx, ebx
        int touch = code.Count;                                    // touch: the next number of a generator whose period is Pages
        Emit(0x69, 0xDB); Emit32(1664525);                         // imul ebx, ebx, 1664525
        Emit(0x81, 0xC3); Emit32(1013904223);                      // add ebx, 1013904223
        Emit(0x81, 0xE3); Emit32(Pages - 1);                       // and ebx, Pages - 1
        Emit(0x89, 0xD9, 0xC1, 0xE1, 0x0C);                        // mov ecx, ebx; shl ecx, 12
        Emit(0x0F, 0x31, 0x89, 0xC6);                              // rdtsc; mov esi, eax
        Emit(0x8B, 0x89); Emit32(TouchAddress);                    // mov ecx, [ecx + TouchAddress]
        Emit(0x0F, 0x31, 0x29, 0xF0);                              // rdtsc; sub eax, esi
        Emit(0x81, 0xF9); Emit32(Pattern);                         // cmp ecx, Pattern
        Emit(0x74, 0x05);                                          // je +5
        Emit(0xB8); Emit32(uint.MaxValue);                         // mov eax, -1
        Emit(0xAB, 0x4D);                                          // stosd; dec ebp
        Jump(0x75, touch);                                         // jnz touch
        Emit(0xC7, 0x05); Emit32(State + 4); Emit32(Mark);         // mov dword [State + 4], Mark
        Emit(0xF4, 0xEB, 0xFD);                                    // hlt; jmp -3

        // Null, flat code, flat data; then the register image that names them.
        while (code.Count % 8 != 0)
            Emit(0);
        int gdt = code.Count;
        Emit(0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0x9A, 0xCF, 0, 0xFF, 0xFF, 0, 0, 0, 0x92, 0xCF, 0);
        Fill16(gdtr, LoadAddress + code.Count);
        Emit(23, 0);
        Emit32((uint)(LoadAddress + gdt));
        return [.. code];

        void Emit(params ReadOnlySpan<byte> bytes) => code.AddRange(bytes);

        void Emit32(uint value)
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
            Emit(bytes);
        }

        int Emit16()
        {
            Emit(0, 0);
            return code.Count - 2;
        }

        void Fill16(int at, int value) => (code[at], code[at + 1]) = ((byte)value, (byte)(value >> 8));

        void Jump(byte condition, int to) => Emit(condition, (byte)(to - (code.Count + 2)));
    }
}
