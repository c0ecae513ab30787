using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>A connected stream socket: <c>tcp:</c>, <c>unix:</c>, or one that <c>fd:</c> names.</summary>
public sealed class SocketChannel : DescriptorChannel
{
    // A reader takes what a peer sends before anybody asks for it; a few are enough for the fields of one device.
    private const int MostWaitingDescriptors = 1024;

    private readonly SafeFileHandle socket;
    private readonly bool isUnix;
    private readonly Queue<SafeFileHandle>? descriptors;

    internal SocketChannel(SafeFileHandle socket, string peer, bool isUnix, ChannelOptions options)
        : base(peer, options)
    {
        this.socket = socket;
        this.isUnix = isUnix;
        if (isUnix && options.AcceptDescriptors)
            descriptors = new Queue<SafeFileHandle>();
        SocketSetup.Configure(socket, isUnix, options);
    }

    /// <inheritdoc/>
    public override bool CanPassDescriptors => isUnix;

    /// <remarks>Not TCP, whose packets end anywhere: reading it through a buffer is faster (docs/performance.md, "Whole migrations").</remarks>
    internal override bool CanScatter => isUnix && descriptors is null;

    /// <inheritdoc/>
    public override long UnsentBytes => Guard("ask for unsent bytes", () => LinuxSockets.Unsent(socket));

    /// <summary>Two ends that are connected to each other: for a child process, or for tests.</summary>
    public static (SocketChannel First, SocketChannel Second) CreatePair(ChannelOptions? options = null)
    {
        (SafeFileHandle first, SafeFileHandle second) = LinuxSockets.CreatePair();
        options ??= ChannelOptions.Default;
        return (new SocketChannel(first, "unix:(pair)", true, options), new SocketChannel(second, "unix:(pair)", true, options));
    }

    /// <inheritdoc/>
    public override void ShutdownWrite()
    {
        int errno = -Guard("shut down", () => LinuxSockets.ShutdownWrite(socket));

        // Not connected: the peer was faster, and there is nobody left to tell.
        if (errno is not (0 or Errno.NotConn))
            throw Broken("shut down", errno);
    }

    /// <inheritdoc/>
    public override bool TryTakeDescriptor([NotNullWhen(true)] out SafeFileHandle? descriptor)
    {
        descriptor = null;
        return descriptors is not null && descriptors.TryDequeue(out descriptor);
    }

    internal override int ReadSome(Span<byte> buffer, Deadline deadline)
    {
        while (true)
        {
            bool lost = false;
            nint count;
            try
            {
                count = descriptors is null ? LinuxSockets.Receive(socket, buffer) : LinuxSockets.Receive(socket, buffer, descriptors, out lost);
            }
            catch (ObjectDisposedException)
            {
                throw Failure("read", ChannelFault.Cancelled, "it was closed");
            }
            if (lost)
                throw Failure("read", ChannelFault.System, "descriptors that came with the bytes were lost: this process has too many open files (ulimit -n)");
            if (descriptors?.Count > MostWaitingDescriptors)
                throw Failure("read", ChannelFault.System, $"the peer has sent more than {MostWaitingDescriptors} descriptors that nothing asked for");
            if (count >= 0)
                return (int)count;
            Handle(socket, -(int)count, PollEvents.In, "read", deadline);
        }
    }

    internal override int ReadSome(Span<IoSlice> slices, Deadline deadline)
        => (int)Transfer(slices, deadline, "read", PollEvents.In, static (handle, list) => LinuxSockets.Receive(handle, list));

    internal override int WriteSome(ReadOnlySpan<byte> bytes, Deadline deadline)
    {
        while (true)
        {
            nint count;
            try
            {
                count = LinuxSockets.Send(socket, bytes);
            }
            catch (ObjectDisposedException)
            {
                throw Failure("write", ChannelFault.Cancelled, "it was closed");
            }
            if (count >= 0)
                return (int)count;
            Handle(socket, -(int)count, PollEvents.Out, "write", deadline);
        }
    }

    internal override long WriteSome(Span<IoSlice> slices, Deadline deadline)
        => Transfer(slices, deadline, "write", PollEvents.Out, static (handle, list) => LinuxSockets.Send(handle, list));

    internal override void SendDescriptorCore(SafeHandle descriptor, byte payload, Deadline deadline)
    {
        if (!isUnix)
        {
            base.SendDescriptorCore(descriptor, payload, deadline);
            return;
        }
        while (true)
        {
            int result = (int)Guard("write", () => LinuxSockets.SendDescriptor(socket, payload, descriptor));
            if (result >= 0)
                return;
            Handle(socket, -result, PollEvents.Out, "write", deadline);
        }
    }

    /// <remarks>Not of TCP: there it would bound what a long link has in flight, and what the peer has not read is in its own buffer anyway.</remarks>
    internal override void LimitSendQueue(int bytes)
    {
        if (isUnix)
            LinuxSockets.SetOption(socket, Libc.SolSocket, Libc.SoSendBuffer, bytes);
    }

    internal override void CheckConnection()
    {
        // POLLERR shows the error without taking it away from the calls that follow.
        if (Guard("wait for delivery", () => LinuxPoll.Now(socket, PollEvents.None)).HasFlag(PollEvents.Error))
            throw Broken("wait for delivery", LinuxSockets.TakeError(socket) is > 0 and var errno ? errno : Errno.ConnReset);
    }

    internal override void DisposeCore()
    {
        socket.Dispose();
        while (descriptors is not null && descriptors.TryDequeue(out SafeFileHandle? descriptor))
            descriptor.Dispose();
    }

    private long Transfer(Span<IoSlice> slices, Deadline deadline, string operation, PollEvents events, SliceCall call)
    {
        while (true)
        {
            nint count;
            try
            {
                count = call(socket, slices);
            }
            catch (ObjectDisposedException)
            {
                throw Failure(operation, ChannelFault.Cancelled, "it was closed");
            }
            if (count >= 0)
                return count;
            Handle(socket, -(int)count, events, operation, deadline);
        }
    }
}

/// <summary>A call with a list of buffers.</summary>
internal delegate nint SliceCall(SafeHandle handle, ReadOnlySpan<IoSlice> slices);
