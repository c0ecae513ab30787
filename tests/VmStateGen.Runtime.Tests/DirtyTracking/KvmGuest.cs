using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.DirtyTracking;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.DirtyTracking;

/// <summary>A real guest under KVM: some forty bytes of real-mode code that count, and write each count into the next of a range of pages.</summary>
internal sealed class KvmGuest : WrittenGuest
{
    private const int Length = 1 << 20;
    private const int CodeAddress = 0x1000;
    private const int CounterAddress = 0x2000;
    private const int StopAddress = 0x3000;
    private const int PatternAddress = 0x10000;
    private const int PatternPages = 128;
    private const int ExitHalt = 5;
    private const int ExitRingFull = 31;

    private readonly SafeFileHandle system;
    private readonly nint run;
    private readonly Thread thread;
    private string? trouble;
    private bool isStarted;

    private KvmGuest(GuestMemory memory, RamBlockOptions options, int ringEntries)
        : base(memory.AddBlock("ram", Length, options), memory, PatternAddress / Page, PatternPages)
    {
        system = Open();
        Machine = Make(system, 0xAE01, 0);
        if (ringEntries > 0)
        {
            var capability = new byte[104];
            BitConverter.TryWriteBytes(capability, 192);
            BitConverter.TryWriteBytes(capability.AsSpan(8), ringEntries * 16L);
            Skip.If(Control(Number(Machine), 0x4068AEA3, capability) != 0, "KVM has no dirty ring here.");
        }
        Control(Number(Machine), 0xAE47, unchecked((nint)0xFFFBD000));
        var region = new byte[32];
        BitConverter.TryWriteBytes(region.AsSpan(16), (long)Length);
        BitConverter.TryWriteBytes(region.AsSpan(24), (long)Block.HostAddress);
        Check(Control(Number(Machine), 0x4020AE46, region), "KVM_SET_USER_MEMORY_REGION");
        Cpu = Make(Machine, 0xAE41, 0);
        run = Map(0, (nuint)Control(Number(system), 0xAE04, 0), 3, 1, Number(Cpu), 0);
        Slot = new KvmSlot(0, 0, Block, 0, Length);

        Memory.Write(Block, CodeAddress, Code());
        var special = new byte[312];
        Check(Control(Number(Cpu), 0x8138AE83, special), "KVM_GET_SREGS");
        foreach (var segment in Enumerable.Range(0, 6))
        {
            special.AsSpan(segment * 24, 8).Clear();
            special.AsSpan(segment * 24 + 12, 2).Clear();
        }
        Check(Control(Number(Cpu), 0x4138AE84, special), "KVM_SET_SREGS");
        var registers = new byte[144];
        BitConverter.TryWriteBytes(registers.AsSpan(16 * 8), (long)CodeAddress);
        BitConverter.TryWriteBytes(registers.AsSpan(17 * 8), 2L);
        Check(Control(Number(Cpu), 0x4090AE82, registers), "KVM_SET_REGS");
        thread = new Thread(Run);
    }

    public SafeFileHandle Machine { get; }

    public SafeFileHandle Cpu { get; }

    public KvmSlot Slot { get; }

    /// <summary>Called on the CPU's thread when its dirty ring is full.</summary>
    public Action OnRingFull { get; set; } = static () => { };

    /// <summary>Makes one, or says why it cannot be.</summary>
    public static KvmGuest Create(RamBlockOptions? options = null, int ringEntries = 0)
    {
        Skip.If(RuntimeInformation.ProcessArchitecture != Architecture.X64, "The guest's code is for x86.");
        return new KvmGuest(new GuestMemory(), options ?? new RamBlockOptions { Writers = RamWriters.Kvm }, ringEntries);
    }

    public override ulong[] Published()
    {
        // The newest count up to the counter that falls on each page; 0 before there is one.
        Span<byte> bytes = stackalloc byte[4];
        Memory.Read(Block, CounterAddress, bytes);
        var count = BitConverter.ToUInt32(bytes);
        return [.. Enumerable.Range(0, Pages).Select(i => count < i ? 0UL : count - (count - (uint)i) % PatternPages)];
    }

    public override void Start()
    {
        isStarted = true;
        thread.Start();
        Assert.True(SpinWait.SpinUntil(() => Published()[0] > 0 || trouble != null, TimeSpan.FromSeconds(30)), "the guest does not count");
    }

    public override void Stop()
    {
        Memory.Write(Block, StopAddress, [1]);
        thread.Join();
        Assert.Null(trouble);
    }

    public override void Dispose()
    {
        Memory.Write(Block, StopAddress, [1]);
        if (isStarted)
            thread.Join();
        Cpu.Dispose();
        Machine.Dispose();
        system.Dispose();
        base.Dispose();
    }

    /// <summary>Segments are all zero; es is moved over the pages.</summary>
    private static byte[] Code() =>
    [
        0x66, 0x31, 0xDB,                                       // xor ebx, ebx
        0x80, 0x3E, StopAddress & 0xFF, StopAddress >> 8, 0,    // next: cmp byte [stop], 0
        0x75, 33,                                               // jne done
        0x66, 0x43,                                             // inc ebx
        0x66, 0x89, 0xD8,                                       // mov eax, ebx
        0x66, 0x25, PatternPages - 1, 0, 0, 0,                  // and eax, pages - 1
        0x66, 0xC1, 0xE0, 8,                                    // shl eax, 8          a page is 256 paragraphs
        0x05, 0x00, PatternAddress >> 12,                       // add ax, pattern / 16
        0x8E, 0xC0,                                             // mov es, ax
        0x26, 0x66, 0x89, 0x1E, 0, 0,                           // mov es:[0], ebx
        0x66, 0x89, 0x1E, CounterAddress & 0xFF, CounterAddress >> 8, // mov [counter], ebx
        0xEB, 0xD8,                                             // jmp next
        0xF4,                                                   // done: hlt
    ];

    private static SafeFileHandle Open()
    {
        try
        {
            return File.OpenHandle("/dev/kvm", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SkipException($"KVM is not to be had: {e.Message}");
        }
    }

    private static SafeFileHandle Make(SafeFileHandle of, nuint request, nint argument)
    {
        var made = Control(Number(of), request, argument);
        Check(made, $"ioctl {request:x}");
        return new SafeFileHandle(made, ownsHandle: true);
    }

    private static int Number(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private static void Check(int result, string call) => Skip.If(result < 0, $"{call}: {Marshal.GetLastPInvokeErrorMessage()}");

    private void Run()
    {
        while (trouble is null)
        {
            var result = Control(Number(Cpu), 0xAE80, 0);
            if (result < 0 && Marshal.GetLastPInvokeError() is 4 or 11)
                continue;
            var reason = Marshal.ReadInt32(run + 8);
            if (result == 0 && reason == ExitHalt)
                return;
            if (result == 0 && reason == ExitRingFull)
            {
                OnRingFull();
                Thread.Sleep(1);
                continue;
            }
            trouble = $"KVM_RUN gave {result}, reason {reason}, {Marshal.GetLastPInvokeErrorMessage()}";
        }
    }

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int Control(int descriptor, nuint request, nint argument);

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int Control(int descriptor, nuint request, byte[] argument);

    [DllImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static extern nint Map(nint address, nuint length, int protection, int flags, int descriptor, long offset);
}
