using System;
using System.Buffers.Binary;
using System.Collections.Generic;
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
    /// <exception cref="InvalidOperationException">There are too many <see cref="ModelSpecificRegisters"/>.</exception>
    public byte[] BootSector() => Program().ToSector();

    /// <summary>Writes a disk that boots the guest.</summary>
    public void WriteDiskImage(string path) => Program().WriteDisk(path);

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

    private BootProgram Program()
    {
        var code = new BootProgram();
        foreach ((uint register, ulong value) in ModelSpecificRegisters)
        {
            code.Emit([0xB9], register);                             // mov ecx, register
            code.Emit([0xB8], (uint)value);                          // mov eax, low half
            code.Emit([0xBA], (uint)(value >> 32));                  // mov edx, high half
            code.Emit(0x0F, 0x30);                                   // wrmsr
        }
        code.Emit(0x31, 0xDB);                                       // xor ebx, ebx    the count, low half
        code.Emit(0x31, 0xF6);                                       // xor esi, esi    the count, high half
        code.Emit([0x89, 0x1D], CounterAddress);                     // mov [counter], ebx
        code.Emit([0x89, 0x35], CounterAddress + 4);                 // mov [counter + 4], esi
        code.Emit([0xC7, 0x05], MarkAddress, StartedMark);           // mov dword [mark], StartedMark

        int step = code.Here;                                        // step:
        code.Emit(0x83, 0xC3, 0x01);                                 // add ebx, 1
        code.Emit(0x83, 0xD6, 0x00);                                 // adc esi, 0
        code.Emit(0x89, 0xDF);                                       // mov edi, ebx
        code.Emit([0x81, 0xE7], (uint)Pages - 1);                    // and edi, pages - 1
        code.Emit(0xC1, 0xE7, 0x0C);                                 // shl edi, 12
        code.Emit([0x89, 0x9F], (uint)PatternAddress);               // mov [edi + pattern], ebx
        code.Emit([0x89, 0x9F], (uint)PatternAddress + TailOffset);  // mov [edi + pattern + 4092], ebx
        code.Emit([0x89, 0x1D], CounterAddress);                     // mov [counter], ebx
        code.Emit([0x89, 0x35], CounterAddress + 4);                 // mov [counter + 4], esi
        code.Emit([0xB9], (uint)Delay);                              // mov ecx, delay
        code.Emit(0x49);                                             // spin: dec ecx
        code.Emit(0x75, 0xFD);                                       // jnz spin
        code.Jump(0xEB, step);                                       // jmp step
        return code;
    }
}
