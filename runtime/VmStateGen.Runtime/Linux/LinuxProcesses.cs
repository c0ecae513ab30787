using System;
using System.Collections;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Linux;

/// <summary>Child processes. The class library's own know neither process groups nor descriptors that are not streams.</summary>
internal static unsafe class LinuxProcesses
{
    private const int NoHang = 1;
    private const short SetGroup = 0x02;
    private const short SetDefaults = 0x04;
    private const short SetMask = 0x08;
    private const int Kill = 9;

    // Opaque structures of the C library; glibc's largest has 336 bytes, musl's are no larger.
    private const int OpaqueSize = 512;

    /// <summary>Starts a command in a process group of its own, with signals as a shell expects them.</summary>
    /// <returns>Its id.</returns>
    /// <exception cref="System.IO.IOException">It could not be started.</exception>
    public static int Spawn(string path, IReadOnlyList<string> arguments, SafeHandle input, SafeHandle output, SafeHandle error)
    {
        byte* actions = stackalloc byte[OpaqueSize];
        byte* attributes = stackalloc byte[OpaqueSize];
        byte* signals = stackalloc byte[OpaqueSize];
        var environment = new List<string>();
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
            environment.Add($"{entry.Key}={entry.Value}");
        byte** argumentVector = Strings(arguments);
        byte** environmentVector = Strings(environment);
        _ = Libc.SpawnActionsInit(actions);
        _ = Libc.SpawnAttributesInit(attributes);
        try
        {
            // dup2 takes close-on-exec away; all else that this process has open is closed by it.
            _ = Libc.SpawnActionsDuplicate(actions, (int)input.DangerousGetHandle(), 0);
            _ = Libc.SpawnActionsDuplicate(actions, (int)output.DangerousGetHandle(), 1);
            _ = Libc.SpawnActionsDuplicate(actions, (int)error.DangerousGetHandle(), 2);

            // The runtime ignores SIGPIPE; a pipeline in the command lives by it.
            _ = Libc.SignalsFill(signals);
            _ = Libc.SpawnAttributesSetDefaults(attributes, signals);
            _ = Libc.SignalsEmpty(signals);
            _ = Libc.SpawnAttributesSetMask(attributes, signals);
            _ = Libc.SpawnAttributesSetFlags(attributes, SetGroup | SetDefaults | SetMask);

            int pid;
            int errno = Libc.Spawn(&pid, path, actions, attributes, argumentVector, environmentVector);
            return errno == 0 ? pid : throw LinuxError.Of($"posix_spawn of {path}", errno);
        }
        finally
        {
            _ = Libc.SpawnActionsDestroy(actions);
            _ = Libc.SpawnAttributesDestroy(attributes);
            Free(argumentVector);
            Free(environmentVector);
            GC.KeepAlive(input);
            GC.KeepAlive(output);
            GC.KeepAlive(error);
        }
    }

    /// <summary>A descriptor that becomes readable once the process has ended; <see langword="null"/> before Linux 5.3.</summary>
    public static SafeFileHandle? OpenExitEvent(int pid)
    {
        long descriptor = Libc.SystemCall(Libc.PidfdOpenCall, pid, 0);
        return descriptor >= 0 ? new SafeFileHandle((nint)descriptor, ownsHandle: true) : null;
    }

    /// <summary>Collects the process if it has ended: afterwards its id may be another's.</summary>
    /// <param name="pid">A child.</param>
    /// <param name="wait">Until it has.</param>
    /// <param name="status">Its exit code, or minus the signal that ended it; <see cref="int.MinValue"/> if somebody else has collected it.</param>
    /// <returns>Whether it has ended.</returns>
    public static bool TryCollect(int pid, bool wait, out int status)
    {
        while (true)
        {
            int raw = 0;
            int result = Libc.Wait(pid, &raw, wait ? 0 : NoHang);
            if (result < 0 && Marshal.GetLastPInvokeError() == Errno.Intr)
                continue;

            // A process that ignores SIGCHLD is told nothing.
            int signal = raw & 0x7f;
            status = result < 0 ? int.MinValue : signal == 0 ? (raw >> 8) & 0xff : -signal;
            return result != 0;
        }
    }

    /// <summary>Ends a child that was not collected yet and all that is left of its group.</summary>
    public static void KillGroup(int pid) => _ = Libc.Kill(-pid, Kill);

    private static byte** Strings(IReadOnlyList<string> strings)
    {
        var vector = (byte**)NativeMemory.AllocZeroed((nuint)strings.Count + 1, (nuint)sizeof(byte*));
        for (int i = 0; i < strings.Count; i++)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(strings[i]);
            vector[i] = (byte*)NativeMemory.AllocZeroed((nuint)bytes.Length + 1);
            bytes.CopyTo(new Span<byte>(vector[i], bytes.Length));
        }
        return vector;
    }

    private static void Free(byte** strings)
    {
        for (byte** at = strings; *at != null; at++)
            NativeMemory.Free(*at);
        NativeMemory.Free(strings);
    }
}
