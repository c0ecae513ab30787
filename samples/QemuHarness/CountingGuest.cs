using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Numerics;
using System.Threading;
using System.Threading.Tasks;

namespace VmStateGen.Qemu;

/// <summary>A guest of one disk sector that counts, and writes each count into the next of a range of pages.</summary>
/// <remarks>
/// Its memory says of itself whether it is whole. At count n the page n mod <see cref="Pages"/> holds n in its first and last four bytes, so at
/// any moment the expected content of every page follows from the counter alone: a page lost, stale or torn by a migration is found by
/// <see cref="FindDamage"/>, and a guest that no longer runs is found by a counter that stands still.
/// </remarks>
public sealed class CountingGuest
{
    /// <summary>Where the counter is: be it on QEMU or on a machine of ours, at this guest-physical address, 64 bits, little-endian.</summary>
    public const int CounterAddress = 0x8000;

    /// <summary>Where <see cref="StartedMark"/> appears once the guest counts; before that the counter is whatever the firmware left.</summary>
    public const int MarkAddress = CounterAddress + 8;

    /// <summary>"VMSG" in memory.</summary>
    public const uint StartedMark = 0x47534D56;

    /// <summary>The size of the pages that it writes.</summary>
    public const int PageSize = 4096;

    private const int SectorSize = 512;
    private const int LoadAddress = 0x7C00;
    private const int TailOffset = PageSize - 4;

    /// <param name="patternAddress">Where the range of pages starts.</param>
    /// <param name="pages">How many pages it has; a power of two.</param>
    /// <param name="delay">Empty loop turns after each count; how fast memory gets dirty is up to this and the machine's speed.</param>
    public CountingGuest(int patternAddress = 0x20_0000, int pages = 512, int delay = 200)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(patternAddress, 0x10_0000);
        ArgumentOutOfRangeException.ThrowIfNotEqual(patternAddress % PageSize, 0, nameof(patternAddress));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(delay);
        if (!BitOperations.IsPow2(pages))
            throw new ArgumentOutOfRangeException(nameof(pages), pages, "The number of pages must be a power of two.");
        PatternAddress = patternAddress;
        Pages = pages;
        Delay = delay;
    }

    /// <summary>Model-specific registers that it sets before it counts. One that the CPU does not have is its end: it has no handler.</summary>
    public IReadOnlyList<(uint Register, ulong Value)> ModelSpecificRegisters { get; init; } = [];

    public int PatternAddress { get; }

    public int Pages { get; }

    public int Delay { get; }

    /// <summary>The end of all memory that it writes.</summary>
    public int EndAddress => PatternAddress + (Pages * PageSize);

    /// <summary>The boot sector, as firmware loads it to 0x7C00.</summary>
    public byte[] BootSector()
    {
        var code = new List<byte>(SectorSize);
        int gdtr = 0, jump = 0;

        // 16-bit code, as the BIOS enters it.
        Emit(0xFA);                                     // cli             no interrupt ever again: there is no handler
        Emit(0x31, 0xC0);                               // xor ax, ax
        Emit(0x8E, 0xD8);                               // mov ds, ax
        Emit(0xE4, 0x92);                               // in al, 0x92
        Emit(0x0C, 0x02);                               // or al, 2        open address line 20
        Emit(0x24, 0xFE);                               // and al, ~1      and do not reset
        Emit(0xE6, 0x92);                               // out 0x92, al
        Emit(0x0F, 0x01, 0x16);                         // lgdt [gdtr]
        gdtr = Placeholder16();
        Emit(0x0F, 0x20, 0xC0);                         // mov eax, cr0
        Emit(0x0C, 0x01);                               // or al, 1        protected mode
        Emit(0x0F, 0x22, 0xC0);                         // mov cr0, eax
        Emit(0xEA);                                     // jmp 0x08:start
        jump = Placeholder16();
        Emit(0x08, 0x00);

        // 32-bit code in flat segments.
        Fill16(jump, LoadAddress + code.Count);         // start:
        Emit(0x66, 0xB8, 0x10, 0x00);                   // mov ax, 0x10
        Emit(0x8E, 0xD8);                               // mov ds, eax
        foreach ((uint register, ulong value) in ModelSpecificRegisters)
        {
            Emit(0xB9); Emit32((int)register);          // mov ecx, register
            Emit(0xB8); Emit32((int)value);             // mov eax, low half
            Emit(0xBA); Emit32((int)(value >> 32));     // mov edx, high half
            Emit(0x0F, 0x30);                           // wrmsr
        }
        Emit(0x31, 0xDB);                               // xor ebx, ebx    the count, low half
        Emit(0x31, 0xF6);                               // xor esi, esi    the count, high half
        Emit(0x89, 0x1D); Emit32(CounterAddress);       // mov [counter], ebx
        Emit(0x89, 0x35); Emit32(CounterAddress + 4);   // mov [counter + 4], esi
        Emit(0xC7, 0x05); Emit32(MarkAddress); Emit32(unchecked((int)StartedMark)); // mov dword [mark], StartedMark

        int step = code.Count;                          // step:
        Emit(0x83, 0xC3, 0x01);                         // add ebx, 1
        Emit(0x83, 0xD6, 0x00);                         // adc esi, 0
        Emit(0x89, 0xDF);                               // mov edi, ebx
        Emit(0x81, 0xE7); Emit32(Pages - 1);            // and edi, pages - 1
        Emit(0xC1, 0xE7, 0x0C);                         // shl edi, 12
        Emit(0x89, 0x9F); Emit32(PatternAddress);       // mov [edi + pattern], ebx
        Emit(0x89, 0x9F); Emit32(PatternAddress + TailOffset); // mov [edi + pattern + 4092], ebx
        Emit(0x89, 0x1D); Emit32(CounterAddress);       // mov [counter], ebx
        Emit(0x89, 0x35); Emit32(CounterAddress + 4);   // mov [counter + 4], esi
        Emit(0xB9); Emit32(Delay);                      // mov ecx, delay
        Emit(0x49);                                     // spin: dec ecx
        Emit(0x75, 0xFD);                               // jnz spin
        Emit(0xEB); Emit((byte)(step - (code.Count + 1))); // jmp step

        // Null, flat code, flat data; then the register image that names them.
        while (code.Count % 8 != 0)
            Emit(0);
        int gdt = code.Count;
        Emit(0, 0, 0, 0, 0, 0, 0, 0);
        Emit(0xFF, 0xFF, 0, 0, 0, 0x9A, 0xCF, 0);
        Emit(0xFF, 0xFF, 0, 0, 0, 0x92, 0xCF, 0);
        Fill16(gdtr, LoadAddress + code.Count);
        Emit(23, 0);
        Emit32(LoadAddress + gdt);

        if (code.Count > SectorSize - 2)
            throw new InvalidOperationException($"{ModelSpecificRegisters.Count} registers do not fit into a sector");
        while (code.Count < SectorSize - 2)
            Emit(0);
        Emit(0x55, 0xAA);
        return [.. code];

        void Emit(params ReadOnlySpan<byte> bytes) => code.AddRange(bytes);

        void Emit32(int value)
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            Emit(bytes);
        }

        int Placeholder16()
        {
            Emit(0, 0);
            return code.Count - 2;
        }

        void Fill16(int at, int value)
        {
            code[at] = (byte)value;
            code[at + 1] = (byte)(value >> 8);
        }
    }

    /// <summary>Writes a disk that boots the guest. One that firmware takes for a disk: a bare sector is too small for its geometry.</summary>
    public void WriteDiskImage(string path)
    {
        using FileStream file = File.Create(path);
        file.Write(BootSector());
        file.SetLength(1 << 20);
    }

    /// <summary>The counter, or null while the guest has not begun to count.</summary>
    /// <param name="physicalMemory">Guest-physical memory from address 0 on, at least its first 64 KiB.</param>
    public static ulong? ReadCounter(ReadOnlySpan<byte> physicalMemory)
        => BinaryPrimitives.ReadUInt32LittleEndian(physicalMemory[MarkAddress..]) == StartedMark
            ? BinaryPrimitives.ReadUInt64LittleEndian(physicalMemory[CounterAddress..])
            : null;

    /// <summary>Compares every page with what the counter says it must hold, and describes the first difference; null if there is none.</summary>
    /// <param name="physicalMemory">Memory of a stopped guest from address 0 on, at least up to <see cref="EndAddress"/>.</param>
    public string? FindDamage(ReadOnlySpan<byte> physicalMemory)
    {
        if (ReadCounter(physicalMemory) is not { } counter)
            return $"no mark at {MarkAddress:#x}: the guest has not begun to count, or the page is lost";
        for (int index = 0; index < Pages; index++)
        {
            // The newest count up to the counter that falls on this page.
            ulong behind = (counter - (ulong)index) & (ulong)(Pages - 1);
            if (counter < behind || counter == behind)
                continue; // not reached yet, and the memory before belongs to the firmware
            uint expected = (uint)(counter - behind);

            // A guest stopped within a step may have written the next count's page but not yet the counter.
            bool inFlight = behind == (ulong)(Pages - 1);
            int address = PatternAddress + (index * PageSize);
            uint head = BinaryPrimitives.ReadUInt32LittleEndian(physicalMemory[address..]);
            uint tail = BinaryPrimitives.ReadUInt32LittleEndian(physicalMemory[(address + TailOffset)..]);
            if (!Matches(head, expected, inFlight))
                return $"page {index} at {address:#x}: its first word is {head}, must be {expected} when the counter is {counter}";
            if (!Matches(tail, expected, inFlight))
                return $"page {index} at {address:#x}: its last word is {tail}, must be {expected} when the counter is {counter}";
        }

        return null;

        bool Matches(uint found, uint expected, bool inFlight) => found == expected || (inFlight && found == expected + (uint)Pages);
    }

    /// <summary>Reads the counter of a QEMU's guest; null while it has not begun to count.</summary>
    public static async Task<ulong?> ReadCounterAsync(QemuProcess qemu, CancellationToken cancellationToken = default)
    {
        byte[] words = await qemu.PhysicalMemoryReadAsync(CounterAddress, 12, cancellationToken).ConfigureAwait(false);
        return BinaryPrimitives.ReadUInt32LittleEndian(words.AsSpan(8)) == StartedMark
            ? BinaryPrimitives.ReadUInt64LittleEndian(words)
            : null;
    }

    /// <summary>Waits until the guest counts and has passed <paramref name="least"/>, and returns the count.</summary>
    public static async Task<ulong> WaitForCountAsync(
        QemuProcess qemu, ulong least, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ulong? count = null;
        await QemuMigration.PollAsync(
            async () =>
            {
                count = await ReadCounterAsync(qemu, cancellationToken).ConfigureAwait(false);
                return count > least;
            },
            $"{qemu}: the guest did not count beyond {least}",
            timeout,
            cancellationToken,
            () => count is null ? "; it never began" : $"; it stands at {count}").ConfigureAwait(false);
        return count ?? 0;
    }

    /// <summary>Stops the guest if it runs, checks its whole memory, and lets it go on if it ran; null or the first damage.</summary>
    public async Task<string?> FindDamageAsync(QemuProcess qemu, CancellationToken cancellationToken = default)
    {
        var status = await qemu.ExecuteAsync("query-status", null, cancellationToken).ConfigureAwait(false);
        bool running = status.GetProperty("running").GetBoolean();
        if (running)
            await qemu.ExecuteAsync("stop", null, cancellationToken).ConfigureAwait(false);
        byte[] memory = await qemu.PhysicalMemoryReadAsync(0, EndAddress, cancellationToken).ConfigureAwait(false);
        if (running)
            await qemu.ExecuteAsync("cont", null, cancellationToken).ConfigureAwait(false);
        return FindDamage(memory);
    }
}
