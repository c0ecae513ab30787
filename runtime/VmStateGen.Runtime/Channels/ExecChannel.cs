using System;
using System.Text;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>
/// A command of the shell, in a process group of its own: its standard input is written to, or its standard output read. What it says on
/// standard error is kept, as far as it is short, for the message of its failure.
/// </summary>
public sealed class ExecChannel : PipeChannel
{
    private const int MostDiagnostics = 4096;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly object gate = new();
    private readonly int pid;
    private readonly SafeFileHandle? exitEvent;
    private readonly PipeChannel errors;
    private readonly Thread errorReader;
    private readonly byte[] diagnostics = new byte[MostDiagnostics];
    private int diagnosticsLength;
    private int? exitStatus;

    private ExecChannel(SafeFileHandle pipe, int pid, SafeFileHandle errorPipe, string command, ChannelOptions options)
        : base(pipe, $"exec:{command}", options)
    {
        this.pid = pid;
        exitEvent = LinuxProcesses.OpenExitEvent(pid);
        errors = new PipeChannel(errorPipe, $"exec:{command} (stderr)", ChannelOptions.Default);
        errorReader = new Thread(ReadErrors) { IsBackground = true, Name = "exec: stderr" };
        errorReader.Start();
    }

    /// <summary>The command's process, which leads its group.</summary>
    public int ProcessId => pid;

    /// <summary>The exit code, or minus the signal that has ended it; <see langword="null"/> while it runs.</summary>
    public int? ExitStatus
    {
        get
        {
            lock (gate)
            {
                if (exitStatus is null && LinuxProcesses.TryCollect(pid, wait: false, out int status))
                    exitStatus = status;
                return exitStatus;
            }
        }
    }

    /// <summary>The first bytes of what it has written to standard error, and of standard output if that is not read.</summary>
    public string Diagnostics
    {
        get
        {
            lock (diagnostics)
                return Encoding.UTF8.GetString(diagnostics, 0, diagnosticsLength).Trim();
        }
    }

    /// <summary>
    /// Ends the command's input and waits, for as long as a write may take, until it has ended.
    /// </summary>
    /// <exception cref="ChannelException">It has failed, or does not end.</exception>
    public override void Close()
    {
        if (CanWrite)
            ShutdownWrite();
        else
            ThrowIfUnusable("close");
        try
        {
            Deadline deadline = Deadline.In(CanWrite ? WriteTimeout : Grace);
            if (!WaitForExit(deadline))
            {
                ThrowIfUnusable("close");
                throw Failure("close", ChannelFault.TimedOut, "the command does not end");
            }
            if (CommandFailure("close") is { } failure)
                throw failure;
        }
        finally
        {
            Dispose();
        }
    }

    internal static ExecChannel Start(string command, ChannelDirection direction, ChannelOptions options)
    {
        bool isOutgoing = direction == ChannelDirection.Outgoing;
        (SafeFileHandle reader, SafeFileHandle writer) = LinuxFiles.CreatePipe();
        (SafeFileHandle errorReader, SafeFileHandle errorWriter) = LinuxFiles.CreatePipe();
        using SafeFileHandle nothing = LinuxFiles.Open("/dev/null", LinuxFiles.ReadOnly, out int errno)
            ?? throw ChannelConnector.Failed($"exec:{command}", "start", ChannelFault.System, LinuxError.Text(errno), errno);
        SafeFileHandle ours = isOutgoing ? writer : reader;
        SafeFileHandle theirs = isOutgoing ? reader : writer;
        try
        {
            // Nobody reads the output of a command that is written to: it counts as diagnostics, instead of filling a pipe.
            int pid = LinuxProcesses.Spawn(
                "/bin/sh", ["/bin/sh", "-c", command], isOutgoing ? theirs : nothing, isOutgoing ? errorWriter : theirs, errorWriter);
            return new ExecChannel(ours, pid, errorReader, command, options);
        }
        catch (System.IO.IOException e)
        {
            ours.Dispose();
            errorReader.Dispose();
            throw new ChannelException($"exec:{command}: start: {e.Message}.", ChannelFault.System, $"exec:{command}", "start", e.HResult, e);
        }
        finally
        {
            theirs.Dispose();
            errorWriter.Dispose();
        }
    }

    internal override int ReadSome(Span<byte> buffer, Deadline deadline)
    {
        int count = base.ReadSome(buffer, deadline);
        if (count == 0)
            CheckEnd();
        return count;
    }

    internal override int ReadSome(Span<IoSlice> slices, Deadline deadline)
    {
        int count = base.ReadSome(slices, deadline);
        if (count == 0)
            CheckEnd();
        return count;
    }

    internal override void DisposeCore()
    {
        base.DisposeCore();
        lock (gate)
        {
            // Its id is its own until it is collected. What it has left running in its group goes too.
            if (exitStatus is null)
            {
                LinuxProcesses.KillGroup(pid);
                LinuxProcesses.TryCollect(pid, wait: true, out int status);
                exitStatus = status;
            }
        }
        errors.Dispose();
        if (Thread.CurrentThread != errorReader)
            errorReader.Join();
        exitEvent?.Dispose();
    }

    private protected override ChannelException Broken(string operation, int errno)
    {
        // It reads no more: most likely it has failed, and knows better why.
        if (errno == Errno.Pipe && WaitForExit(Deadline.In(Grace)) && CommandFailure(operation) is { } failure)
            return failure;
        return base.Broken(operation, errno);
    }

    /// <summary>The end of a stream that a command has cut short by failing is none.</summary>
    private void CheckEnd()
    {
        if (WaitForExit(Deadline.In(Grace)) && CommandFailure("read") is { } failure)
            throw failure;
    }

    private bool WaitForExit(Deadline deadline)
    {
        while (ExitStatus is null)
        {
            if (IsCancelled || deadline.HasPassed)
                return false;

            // Without an event (before Linux 5.3) it is asked again and again.
            LinuxPoll.Wait(exitEvent, PollEvents.In, Wake, null, exitEvent is null ? deadline.AtMost(TimeSpan.FromMilliseconds(5)) : deadline);
        }
        return true;
    }

    private ChannelException? CommandFailure(string operation)
    {
        if (ExitStatus is null or 0 or int.MinValue)
            return null;

        // What it said last may still be under way; something that it has started may keep the pipe open for long.
        errorReader.Join(TimeSpan.FromSeconds(1));
        string how = ExitStatus < 0 ? $"signal {-ExitStatus} has ended the command" : $"the command has ended with exit code {ExitStatus}";
        string said = Diagnostics;
        return Failure(operation, ChannelFault.CommandFailed, said.Length == 0 ? $"{how} and said nothing" : $"{how} and said: {said}");
    }

    private void ReadErrors()
    {
        Span<byte> buffer = stackalloc byte[1024];
        try
        {
            // Read to the end, kept or not: a command must not block on what it has to say.
            while (errors.Read(buffer) is > 0 and var count)
            {
                lock (diagnostics)
                {
                    int kept = Math.Min(count, MostDiagnostics - diagnosticsLength);
                    buffer[..kept].CopyTo(diagnostics.AsSpan(diagnosticsLength));
                    diagnosticsLength += kept;
                }
            }
        }
        catch (ChannelException)
        {
            // Closed.
        }
    }
}
