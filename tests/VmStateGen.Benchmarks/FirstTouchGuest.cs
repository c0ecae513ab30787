using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using VmStateGen.Qemu;

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

    public static void WriteDisk(string path) => Program().WriteDisk(path);

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

    private static BootProgram Program()
    {
        var code = new BootProgram();
        code.Emit([0xBF], FillAddress);            // mov edi, FillAddress
        code.Emit([0xB9], FillLength / 4);         // mov ecx, FillLength / 4
        code.Emit([0xB8], Pattern);                // mov eax, Pattern
        code.Emit(0xFC, 0xF3, 0xAB);               // cld; rep stosd
        code.Emit([0xC7, 0x05], State + 4, 0);     // mov dword [State + 4], 0
        code.Emit([0xC7, 0x05], State, Mark);      // mov dword [State], Mark
        int poll = code.Here;                      // poll:
        code.Emit(0x0F, 0x31);                     // rdtsc
        code.Emit([0xA3], State + 8);              // mov [State + 8], eax
        code.Emit([0x89, 0x15], State + 12);       // mov [State + 12], edx
        code.Emit(0xE4, Port, 0x3C, Arrived);      // in al, Port; cmp al, Arrived
        code.Jump(0x75, poll);                     // jne poll

        // What is not measured is touched before: the table.
        code.Emit([0xBF], State + TableOffset);    // mov edi, State + TableOffset
        code.Emit([0xB9], Touches);                // mov ecx, Touches
        code.Emit(0x31, 0xC0, 0xF3, 0xAB);         // xor eax, eax; rep stosd
        code.Emit([0xBF], State + TableOffset);    // mov edi, State + TableOffset
        code.Emit([0xBD], Touches);                // mov ebp, Touches
        code.Emit(0x31, 0xDB);                     // xor ebx, ebx
        int touch = code.Here;                     // touch: the next number of a generator whose period is Pages
        code.Emit([0x69, 0xDB], 1664525);          // imul ebx, ebx, 1664525
        code.Emit([0x81, 0xC3], 1013904223);       // add ebx, 1013904223
        code.Emit([0x81, 0xE3], Pages - 1);        // and ebx, Pages - 1
        code.Emit(0x89, 0xD9, 0xC1, 0xE1, 0x0C);   // mov ecx, ebx; shl ecx, 12
        code.Emit(0x0F, 0x31, 0x89, 0xC6);         // rdtsc; mov esi, eax
        code.Emit([0x8B, 0x89], TouchAddress);     // mov ecx, [ecx + TouchAddress]
        code.Emit(0x0F, 0x31, 0x29, 0xF0);         // rdtsc; sub eax, esi
        code.Emit([0x81, 0xF9], Pattern);          // cmp ecx, Pattern
        code.Emit(0x74, 0x05);                     // je +5
        code.Emit([0xB8], uint.MaxValue);          // mov eax, -1
        code.Emit(0xAB, 0x4D);                     // stosd; dec ebp
        code.Jump(0x75, touch);                    // jnz touch
        code.Emit([0xC7, 0x05], State + 4, Mark);  // mov dword [State + 4], Mark
        code.Emit(0xF4, 0xEB, 0xFD);               // hlt; jmp -3
        return code;
    }
}
