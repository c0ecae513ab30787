using System.IO;
using System.Runtime.InteropServices;

namespace VmStateGen.Runtime.Linux;

/// <summary>The error numbers that channels tell apart, and what the system says of one.</summary>
internal static class LinuxError
{
    public const int NoEntry = 2;
    public const int NoProcess = 3;
    public const int Interrupted = 4;
    public const int NoDevice = 6;
    public const int BadDescriptor = 9;
    public const int NoChild = 10;
    public const int Again = 11;
    public const int Access = 13;
    public const int Invalid = 22;
    public const int TooManyFiles = 24;
    public const int NoSpace = 28;
    public const int IllegalSeek = 29;
    public const int BrokenPipe = 32;
    public const int NoSystemCall = 38;
    public const int NotSocket = 88;
    public const int AddressInUse = 98;
    public const int NetworkUnreachable = 101;
    public const int ConnectionAborted = 103;
    public const int ConnectionReset = 104;
    public const int NotConnected = 107;
    public const int TimedOut = 110;
    public const int ConnectionRefused = 111;
    public const int HostUnreachable = 113;
    public const int InProgress = 115;

    /// <summary>The system's words.</summary>
    public static string Text(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    /// <summary>Of the call that this thread made last.</summary>
    public static IOException Last(string call) => Of(call, Marshal.GetLastPInvokeError());

    public static IOException Of(string call, int errno) => new($"{call}: {Text(errno)}", errno);

    /// <summary>A call's result, or what it failed with as a negative number: the same for all that may have to wait.</summary>
    public static nint Result(nint result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();
}
