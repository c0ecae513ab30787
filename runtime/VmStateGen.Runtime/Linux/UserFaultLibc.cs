using System;
using System.Runtime.InteropServices;

namespace VmStateGen.Runtime.Linux;

/// <summary>What a userfaultfd is asked for (UFFD_FEATURE_*).</summary>
[Flags]
internal enum UserFaultFeatures : ulong
{
    None = 0,
    PageFaultFlagWriteProtect = 1 << 0,
    EventFork = 1 << 1,
    EventRemap = 1 << 2,
    EventRemove = 1 << 3,
    MissingHugeTlbFs = 1 << 4,
    MissingSharedMemory = 1 << 5,
    EventUnmap = 1 << 6,
    SigBus = 1 << 7,
    ThreadId = 1 << 8,
    MinorHugeTlbFs = 1 << 9,
    MinorSharedMemory = 1 << 10,
    ExactAddress = 1 << 11,
    WriteProtectHugeTlbFsSharedMemory = 1 << 12,
    WriteProtectUnpopulated = 1 << 13,
    Poison = 1 << 14,
    WriteProtectAsync = 1 << 15,
    Move = 1 << 16,
}

/// <summary>Which touches of a range are faults (UFFDIO_REGISTER_MODE_*).</summary>
[Flags]
internal enum UserFaultModes : ulong
{
    Missing = 1 << 0,
    WriteProtect = 1 << 1,
    Minor = 1 << 2,
}

/// <summary>Which calls a registered range takes: bit n is the call of number n (_UFFDIO_*).</summary>
[Flags]
internal enum UserFaultCalls : ulong
{
    None = 0,
    Wake = 1 << 2,
    Copy = 1 << 3,
    ZeroPage = 1 << 4,
    Move = 1 << 5,
    WriteProtect = 1 << 6,
    Continue = 1 << 7,
    Poison = 1 << 8,
}

/// <summary>What a message tells of (UFFD_EVENT_*).</summary>
internal enum UserFaultEvent : byte
{
    PageFault = 0x12,
    Fork = 0x13,
    Remap = 0x14,
    Remove = 0x15,
    Unmap = 0x16,
}

/// <summary>What kind of fault it was (UFFD_PAGEFAULT_FLAG_*); without <see cref="WriteProtect"/> and <see cref="Minor"/> a missing page.</summary>
[Flags]
internal enum UserFaultFlags : ulong
{
    None = 0,
    Write = 1 << 0,
    WriteProtect = 1 << 1,
    Minor = 1 << 2,
}

/// <summary>struct uffd_msg. Of its union only the members of <see cref="Event"/> mean something.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct UserFaultMessage
{
    [FieldOffset(0)]
    public UserFaultEvent Event;

    /// <summary>Of a page fault.</summary>
    [FieldOffset(8)]
    public UserFaultFlags Flags;

    /// <summary>Of a page fault: the address that was touched, rounded down to its page unless EXACT_ADDRESS was asked for.</summary>
    [FieldOffset(16)]
    public nint Address;

    /// <summary>Of a page fault, with THREAD_ID: who touched it.</summary>
    [FieldOffset(24)]
    public int ThreadId;

    /// <summary>Of a remove or unmap event: the first byte.</summary>
    [FieldOffset(8)]
    public nint Start;

    /// <summary>Of a remove or unmap event: past the last byte.</summary>
    [FieldOffset(16)]
    public nint End;
}

/// <summary>Userfaultfd as linux/userfaultfd.h has it: numbers and structures. Only <see cref="UserFault"/> uses it.</summary>
/// <remarks>The values are those of the 64-bit generic ABI; UserFaultAbiTests asserts every one against the headers of the machine that runs it.</remarks>
internal static class UserFaultLibc
{
    /// <summary>UFFD_API.</summary>
    public const ulong ApiVersion = 0xAA;

    /// <summary>UFFD_USER_MODE_ONLY, beside the flags of open(2).</summary>
    public const int UserModeOnly = 1;

    /// <summary>USERFAULTFD_IOC_NEW, on the device.</summary>
    public const uint IoNew = 0x0000AA00;
    public const uint IoApi = 0xC018AA3F;
    public const uint IoRegister = 0xC020AA00;
    public const uint IoUnregister = 0x8010AA01;
    public const uint IoWake = 0x8010AA02;
    public const uint IoCopy = 0xC028AA03;
    public const uint IoZeroPage = 0xC020AA04;
    public const uint IoWriteProtect = 0xC018AA06;
    public const uint IoContinue = 0xC020AA07;

    public const ulong CopyDontWake = 1 << 0;
    public const ulong CopyWriteProtect = 1 << 1;
    public const ulong ZeroPageDontWake = 1 << 0;
    public const ulong ContinueDontWake = 1 << 0;
    public const ulong WriteProtectSet = 1 << 0;
    public const ulong WriteProtectDontWake = 1 << 1;

    /// <summary>Number of the system call; 0 where it is not known.</summary>
    public static int SystemCallNumber => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 323,
        Architecture.Arm64 or Architecture.LoongArch64 => 282,
        _ => 0,
    };

    /// <summary>struct uffdio_api.</summary>
    public struct Api
    {
        public ulong Version;
        public UserFaultFeatures Features;
        public ulong Calls;
    }

    /// <summary>struct uffdio_range.</summary>
    public struct Range
    {
        public ulong Start;
        public ulong Length;
    }

    /// <summary>struct uffdio_register.</summary>
    public struct Register
    {
        public Range Range;
        public UserFaultModes Mode;
        public UserFaultCalls Calls;
    }

    /// <summary>struct uffdio_copy.</summary>
    public struct Copy
    {
        public ulong Destination;
        public ulong Source;
        public ulong Length;
        public ulong Mode;
        public long Copied;
    }

    /// <summary>struct uffdio_zeropage, and uffdio_continue, which is the same.</summary>
    public struct Place
    {
        public Range Range;
        public ulong Mode;
        public long Done;
    }

    /// <summary>struct uffdio_writeprotect.</summary>
    public struct WriteProtect
    {
        public Range Range;
        public ulong Mode;
    }
}
