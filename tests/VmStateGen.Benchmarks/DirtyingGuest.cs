using System;
using System.Buffers.Binary;
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
    public static void WriteDisk(string path, DirtyingLoad load, double ticksPerSecond) => Program(load, ticksPerSecond).WriteDisk(path);

    private static BootProgram Program(DirtyingLoad load, double ticksPerSecond)
    {
        var code = new BootProgram();
        code.Emit([0xBF], DirtyingLoad.Address);         // mov edi, Address
        code.Emit([0xB9], (uint)load.Pages * 1024);      // mov ecx, Pages * 1024
        code.Emit([0xB8], DirtyingLoad.Pattern);         // mov eax, Pattern
        code.Emit(0xFC, 0xF3, 0xAB);                     // cld; rep stosd
        code.Emit([0xBF], DirtyingLoad.Address);         // mov edi, Address
        code.Emit([0xBD], DirtyingLoad.PagesPerBeat);    // mov ebp, PagesPerBeat
        code.Emit(0x0F, 0x31, 0x89, 0xC6);               // rdtsc; mov esi, eax
        int wait = code.Here;                            // wait: until the clock is at esi
        code.Emit(0x0F, 0x31, 0x89, 0xC3, 0x29, 0xF3);   // rdtsc; mov ebx, eax; sub ebx, esi
        code.Jump(0x78, wait);                           // js wait
        code.Emit([0x81, 0xFB], (uint)(ticksPerSecond / DirtyingLoad.BacklogShare)); // cmp ebx, backlog
        code.Emit(0x72, 0x02, 0x89, 0xC6);               // jb +2; mov esi, eax
        code.Emit([0x81, 0xC6], (uint)(ticksPerSecond / load.PagesPerSecond)); // add esi, ticks
        code.Emit(0xFF, 0x07);                           // inc dword [edi]
        code.Emit([0x81, 0xC7], 4096);                   // add edi, 4096
        code.Emit([0x81, 0xFF], (uint)(DirtyingLoad.Address + load.Pages * 4096)); // cmp edi, end
        code.Emit(0x72, 0x05);                           // jb +5
        code.Emit([0xBF], DirtyingLoad.Address);         // mov edi, Address
        code.Emit(0x4D);                                 // dec ebp
        code.Jump(0x75, wait);                           // jnz wait
        code.Emit([0xBD], DirtyingLoad.PagesPerBeat);    // mov ebp, PagesPerBeat
        code.Emit([0xA3], State);                        // mov [State], eax
        code.Emit([0x89, 0x15], State + 4);              // mov [State + 4], edx
        code.Emit(0xB0, DirtyingLoad.Beat, 0xE6, Port);  // mov al, Beat; out Port, al
        code.Jump(0xEB, wait);                           // jmp wait
        return code;
    }
}
