using System.IO;
using System.Runtime.InteropServices;

namespace VmStateGen.Runtime.Linux;

/// <summary>What the system says of an error number, and how the calls of channels report one.</summary>
internal static class LinuxError
{
    /// <summary>The system's words.</summary>
    public static string Text(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    /// <summary>Of the call that this thread made last.</summary>
    public static IOException Last(string call) => Of(call, Marshal.GetLastPInvokeError());

    public static IOException Of(string call, int errno) => new($"{call}: {Text(errno)}", errno);

    /// <summary>A call's result, or what it failed with as a negative number: the same for all that may have to wait.</summary>
    public static nint Result(nint result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();
}
