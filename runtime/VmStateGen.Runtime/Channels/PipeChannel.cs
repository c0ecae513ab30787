using System;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>One end of a pipe or FIFO, or a terminal: one way.</summary>
public class PipeChannel : DescriptorChannel
{
    private readonly SafeFileHandle pipe;
    private readonly int flagsBefore;

    /// <summary>Takes the descriptor over. Until it is closed it does not block, for all who share it.</summary>
    internal PipeChannel(SafeFileHandle pipe, string peer, ChannelOptions options)
        : base(peer, options)
    {
        this.pipe = pipe;
        flagsBefore = LinuxFiles.Flags(pipe);
        if (flagsBefore < 0 || LinuxFiles.SetFlags(pipe, flagsBefore | LinuxFiles.NonBlock) != 0)
            throw Failure("open", ChannelFault.System, "the descriptor cannot be made non-blocking");
        int access = flagsBefore & LinuxFiles.AccessMask;
        CanRead = access != LinuxFiles.WriteOnly;
        CanWrite = access != LinuxFiles.ReadOnly;
    }

    /// <inheritdoc/>
    public override bool CanRead { get; }

    /// <inheritdoc/>
    public override bool CanWrite { get; }

    /// <inheritdoc/>
    public override long UnsentBytes => !CanWrite || pipe.IsClosed ? 0 : Guard("ask for unsent bytes", () => LinuxFiles.Unread(pipe));

    /// <inheritdoc/>
    public override void ShutdownWrite()
    {
        ThrowIfUnusable("shut down");

        // A pipe ends when nobody has its end open any more.
        if (CanWrite)
            Release();
    }

    internal override int ReadSome(Span<byte> buffer, Deadline deadline)
    {
        while (true)
        {
            nint count;
            try
            {
                count = LinuxFiles.Read(pipe, buffer);
            }
            catch (ObjectDisposedException)
            {
                throw Failure("read", ChannelFault.Cancelled, "it was closed");
            }
            if (count > 0)
                return (int)count;
            if (count == 0 && IsEnd(deadline))
                return 0;
            if (count < 0)
                Handle(pipe, -(int)count, PollEvents.In, "read", deadline);
        }
    }

    internal override int ReadSome(Span<IoSlice> slices, Deadline deadline)
        => (int)Transfer(slices, deadline, "read", PollEvents.In, static (handle, list) => LinuxFiles.Read(handle, list));

    internal override int WriteSome(ReadOnlySpan<byte> bytes, Deadline deadline)
    {
        while (true)
        {
            nint count;
            try
            {
                count = LinuxFiles.Write(pipe, bytes);
            }
            catch (ObjectDisposedException)
            {
                throw Failure("write", ChannelFault.Closed, "this end was shut down");
            }
            if (count > 0)
                return (int)count;
            Handle(pipe, count == 0 ? Errno.Again : -(int)count, PollEvents.Out, "write", deadline);
        }
    }

    internal override long WriteSome(Span<IoSlice> slices, Deadline deadline)
        => Transfer(slices, deadline, "write", PollEvents.Out, static (handle, list) => LinuxFiles.Write(handle, list));

    internal override void CheckConnection()
    {
        if (CanWrite && !pipe.IsClosed && LinuxPoll.Now(pipe, PollEvents.None).HasFlag(PollEvents.Error))
            throw Broken("wait for delivery", Errno.Pipe);
    }

    internal override void DisposeCore() => Release();

    /// <summary>A FIFO that nobody has opened for writing yet reads as ended, too: only the hang-up tells that somebody has been there.</summary>
    private bool IsEnd(Deadline deadline)
    {
        Await(pipe, PollEvents.In, "read", deadline);
        PollEvents now = LinuxPoll.Now(pipe, PollEvents.In);
        return now.HasFlag(PollEvents.HangUp) && !now.HasFlag(PollEvents.In);
    }

    private void Release()
    {
        if (pipe.IsClosed)
            return;

        // What was handed over may be a process's standard output, which others go on using.
        if ((flagsBefore & LinuxFiles.NonBlock) == 0)
            _ = LinuxFiles.SetFlags(pipe, flagsBefore);
        pipe.Dispose();
    }

    private long Transfer(Span<IoSlice> slices, Deadline deadline, string operation, PollEvents events, SliceCall call)
    {
        while (true)
        {
            nint count;
            try
            {
                count = call(pipe, slices);
            }
            catch (ObjectDisposedException)
            {
                throw Failure(operation, ChannelFault.Closed, "this end was shut down");
            }
            if (count > 0 || (count == 0 && operation == "read" && IsEnd(deadline)))
                return count;
            if (count < 0)
                Handle(pipe, -(int)count, events, operation, deadline);
        }
    }
}
