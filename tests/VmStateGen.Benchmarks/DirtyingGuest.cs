using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Net.Sockets;
using System.Threading.Tasks;
using VmStateGen.Qemu;

namespace VmStateGen.Benchmarks;

/// <summary>What a guest does that is hard to move: one word into each page of a working set, round and round, at a steady rate.</summary>
/// <param name="MemoryMiB">Its RAM; what is not written stays untouched.</param>
/// <param name="Pages">Its working set.</param>
/// <param name="PagesPerSecond">How fast.</param>
internal sealed record DirtyingLoad(int MemoryMiB, int Pages, int PagesPerSecond)
{
    /// <summary>How many pages are written between two signs of life.</summary>
    public const int PagesPerBeat = 8;

    /// <summary>Where the working set begins.</summary>
    public const int Address = 0x100_0000;

    /// <summary>What the working set is full of before: pages that are not zeros.</summary>
    public const uint Pattern = 0x5AA5_C33C;

    /// <summary>A sign of life.</summary>
    public const byte Beat = (byte)'.';

    /// <summary>Who was kept from writing for longer than this part of a second does not make up for it.</summary>
    public const int BacklogShare = 10;
}

/// <summary>
/// <see cref="DirtyingLoad"/> as a guest of one disk sector, paced by its clock (which stands still while the guest does, and is migrated), and
/// with a byte to the debug console for each beat: whoever reads those has the host's clock, and so sees what the guest's clock hides.
/// </summary>
internal static class DirtyingGuest
{
    // Where it keeps its clock, of 64 bits.
    private const int State = 0x10_0000;
    private const int LoadAddress = 0x7C00;
    private const byte Port = 0xE9;

    /// <summary>A QEMU that has it, on the disk in a folder that <see cref="WriteDisk"/> has written; its beats go to the socket there.</summary>
    public static QemuOptions Options(DirtyingLoad load, string folder) => new()
    {
        MemoryMiB = load.MemoryMiB,
        Arguments =
        [
            "-drive", $"file={Path.Combine(folder, "disk")},format=raw,if=ide,snapshot=on",
            "-chardev", $"socket,id=beats,path={Path.Combine(folder, "beats")}", "-device", $"isa-debugcon,iobase={Port},chardev=beats",
        ],
    };

    /// <summary>Ticks of its clock in a second.</summary>
    public static async Task<double> CalibrateAsync(QemuInstallation qemu, DirtyingLoad load, string folder)
    {
        WriteDisk(Path.Combine(folder, "disk"), load, 1e9);
        using Socket listener = Beats.Listen(Path.Combine(folder, "beats"));
        await using QemuProcess guest = await QemuProcess.StartAsync(qemu, Options(load, folder));
        using Beats beats = Beats.Accept(listener);
        beats.WaitFor(100);
        long from = Stopwatch.GetTimestamp();
        ulong before = BinaryPrimitives.ReadUInt64LittleEndian(await guest.PhysicalMemoryReadAsync(State, sizeof(ulong)));
        await Task.Delay(TimeSpan.FromSeconds(2));
        ulong after = BinaryPrimitives.ReadUInt64LittleEndian(await guest.PhysicalMemoryReadAsync(State, sizeof(ulong)));
        return (after - before) / Stopwatch.GetElapsedTime(from).TotalSeconds;
    }

    /// <param name="path">The disk.</param>
    /// <param name="load">What it does.</param>
    /// <param name="ticksPerSecond">Of its clock.</param>
    public static void WriteDisk(string path, DirtyingLoad load, double ticksPerSecond)
    {
        byte[] disk = new byte[1 << 20];
        BootSector(load, ticksPerSecond).CopyTo(disk, 0);
        (disk[510], disk[511]) = (0x55, 0xAA);
        File.WriteAllBytes(path, disk);
    }

    private static byte[] BootSector(DirtyingLoad load, double ticksPerSecond)
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
        Emit(0xBF); Emit32(DirtyingLoad.Address);                  // mov edi, Address
        Emit(0xB9); Emit32((uint)load.Pages * 1024);               // mov ecx, Pages * 1024
        Emit(0xB8); Emit32(DirtyingLoad.Pattern);                  // mov eax, Pattern
        Emit(0xFC, 0xF3, 0xAB);                                    // cld; rep stosd
        Emit(0xBF); Emit32(DirtyingLoad.Address);                  // mov edi, Address
        Emit(0xBD); Emit32(DirtyingLoad.PagesPerBeat);             // mov ebp, PagesPerBeat
        Emit(0x0F, 0x31, 0x89, 0xC6);                              // rdtsc; mov esi, eax
        int wait = code.Count;                                     // wait: until the clock is at esi
        Emit(0x0F, 0x31, 0x89, 0xC3, 0x29, 0xF3);                  // rdtsc; mov ebx, eax; sub ebx, esi
        Jump(0x78, wait);                                          // js wait
        Emit(0x81, 0xFB); Emit32((uint)(ticksPerSecond / DirtyingLoad.BacklogShare)); // cmp ebx, backlog
        Emit(0x72, 0x02, 0x89, 0xC6);                              // jb +2; mov esi, eax
        Emit(0x81, 0xC6); Emit32((uint)(ticksPerSecond / load.PagesPerSecond)); // add esi, ticks
        Emit(0xFF, 0x07);                                          // inc dword [edi]
        Emit(0x81, 0xC7); Emit32(4096);                            // add edi, 4096
        Emit(0x81, 0xFF); Emit32((uint)(DirtyingLoad.Address + load.Pages * 4096)); // cmp edi, end
        Emit(0x72, 0x05);                                          // jb +5
        Emit(0xBF); Emit32(DirtyingLoad.Address);                  // mov edi, Address
        Emit(0x4D);                                                // dec ebp
        Jump(0x75, wait);                                          // jnz wait
        Emit(0xBD); Emit32(DirtyingLoad.PagesPerBeat);             // mov ebp, PagesPerBeat
        Emit(0xA3); Emit32(State);                                 // mov [State], eax
        Emit(0x89, 0x15); Emit32(State + 4);                       // mov [State + 4], edx
        Emit(0xB0, DirtyingLoad.Beat, 0xE6, Port);                 // mov al, Beat; out Port, al
        Jump(0xEB, wait);                                          // jmp wait

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
