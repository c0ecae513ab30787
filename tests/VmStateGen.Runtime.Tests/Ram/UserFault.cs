using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Ram;

/// <summary>As much of userfaultfd as these tests need: missing faults of a block.</summary>
internal sealed class UserFault : IDisposable
{
    private readonly RamBlock block;
    private readonly int descriptor;
    private readonly SafeFileHandle owner;
    private Range range;

    public UserFault(RamBlock block)
    {
        this.block = block;
        var number = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => 323,
            Architecture.Arm64 => 282,
            _ => throw new SkipException("The number of the userfaultfd call is not known for this architecture."),
        };
        descriptor = (int)SystemCall(number, 0x80000);
        if (descriptor < 0)
            throw new SkipException($"userfaultfd is not to be had: {Marshal.GetLastPInvokeErrorMessage()}");
        owner = new SafeFileHandle(descriptor, ownsHandle: true);
        var api = new Api { Version = 0xaa };
        Check(Control(descriptor, 0xc018aa3f, ref api));
        range = new Range { Start = block.HostAddress, Length = block.MaxLength, Mode = 1 };
        Check(Control(descriptor, 0xc020aa00, ref range));
    }

    /// <summary>Waits for a fault.</summary>
    /// <returns>Offset in the block of the address that is missing.</returns>
    public long Next()
    {
        Message message;
        nint count;
        do
            count = ReadMessage(descriptor, out message, Marshal.SizeOf<Message>());
        while (count < 0 && Marshal.GetLastPInvokeError() == 4);
        if (count != Marshal.SizeOf<Message>() || message.Event != 0x12)
            throw new InvalidOperationException($"Expected a fault, got {count} bytes, event {message.Event}.");
        return message.Address - block.HostAddress;
    }

    /// <summary>Places a page; one that is there already stays.</summary>
    public void Place(long offset, byte[] pinned)
    {
        var copy = new Copy { Destination = block.HostAddress + (nint)offset, Source = Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0), Length = pinned.Length };
        if (Control(descriptor, 0xc028aa03, ref copy) != 0 && Marshal.GetLastPInvokeError() != 17)
            throw new InvalidOperationException(Marshal.GetLastPInvokeErrorMessage());
    }

    /// <summary>May be called again: closing a number twice closes what somebody else has opened meanwhile.</summary>
    public void Dispose() => owner.Dispose();

    /// <summary>Ends this process if it hangs, which nobody inside can once the collector has stopped it. To be killed with its children.</summary>
    public static Process StartWatchdog(int seconds)
    {
        return Process.Start("sh", ["-c", $"sleep {seconds}; kill -9 {Environment.ProcessId}"]);
    }

    private static void Check(int result)
    {
        if (result != 0)
            throw new SkipException($"userfaultfd is not to be had: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern nint SystemCall(nint number, nint flags);

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int Control(int descriptor, nuint request, ref Api api);

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int Control(int descriptor, nuint request, ref Range range);

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int Control(int descriptor, nuint request, ref Copy copy);

    [DllImport("libc", EntryPoint = "read", SetLastError = true)]
    private static extern nint ReadMessage(int descriptor, out Message message, nint length);

    private struct Api
    {
        public ulong Version;
        public ulong Features;
        public ulong Calls;
    }

    private struct Range
    {
        public nint Start;
        public long Length;
        public ulong Mode;
        public ulong Calls;
    }

    private struct Copy
    {
        public nint Destination;
        public nint Source;
        public long Length;
        public ulong Mode;
        public long Copied;
    }

    [StructLayout(LayoutKind.Explicit, Size = 32)]
    private struct Message
    {
        [FieldOffset(0)]
        public byte Event;

        [FieldOffset(16)]
        public nint Address;
    }
}
