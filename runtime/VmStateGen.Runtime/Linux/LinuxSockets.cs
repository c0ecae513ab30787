using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Linux;

/// <summary>
/// Calls on sockets. Those that may have to wait never do: they return what is done, or the error as a negative number, and
/// <see cref="LinuxPoll"/> waits. Descriptors are closed on exec; nothing raises SIGPIPE.
/// </summary>
internal static unsafe class LinuxSockets
{
    /// <summary>Most descriptors that one message carries (SCM_MAX_FD).</summary>
    public const int MostDescriptors = 253;

    private const int LongestAddress = 128;

    /// <summary>A stream socket that never blocks.</summary>
    public static SafeFileHandle Create(AddressFamily family)
    {
        int type = ChannelLibc.SockStream | ChannelLibc.SockNonBlock | ChannelLibc.SockCloseOnExec;
        int descriptor = ChannelLibc.Socket(Number(family), type, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw LinuxError.Last("socket");
    }

    /// <summary>Two AF_UNIX stream sockets that are connected to each other.</summary>
    public static (SafeFileHandle First, SafeFileHandle Second) CreatePair()
    {
        int* pair = stackalloc int[2];
        if (ChannelLibc.SocketPair(Number(AddressFamily.Unix), ChannelLibc.SockStream | ChannelLibc.SockCloseOnExec, 0, pair) != 0)
            throw LinuxError.Last("socketpair");
        return (new SafeFileHandle(pair[0], ownsHandle: true), new SafeFileHandle(pair[1], ownsHandle: true));
    }

    /// <returns>0, or the error.</returns>
    public static int Bind(SafeHandle socket, EndPoint address)
    {
        SocketAddress native = address.Serialize();
        fixed (byte* bytes = native.Buffer.Span)
            return (int)LinuxError.Result(ChannelLibc.Bind(socket, bytes, (uint)native.Size));
    }

    /// <returns>0, or the error.</returns>
    public static int Listen(SafeHandle socket, int backlog) => (int)LinuxError.Result(ChannelLibc.Listen(socket, backlog));

    /// <returns>0, or the error: EINPROGRESS if it goes on.</returns>
    public static int Connect(SafeHandle socket, EndPoint address)
    {
        SocketAddress native = address.Serialize();
        fixed (byte* bytes = native.Buffer.Span)
            return (int)LinuxError.Result(ChannelLibc.Connect(socket, bytes, (uint)native.Size));
    }

    /// <returns>The connection, or <see langword="null"/> and the error.</returns>
    public static SafeFileHandle? Accept(SafeHandle socket, out int errno)
    {
        int descriptor = ChannelLibc.Accept(socket, null, null, ChannelLibc.SockNonBlock | ChannelLibc.SockCloseOnExec);
        errno = descriptor >= 0 ? 0 : Marshal.GetLastPInvokeError();
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : null;
    }

    /// <summary>Where the socket is bound, or the peer is; <see langword="null"/> if there is no such address.</summary>
    public static SocketAddress? Name(SafeHandle socket, bool ofPeer)
    {
        byte* bytes = stackalloc byte[LongestAddress];
        uint length = LongestAddress;
        int result = ofPeer ? ChannelLibc.PeerName(socket, bytes, &length) : ChannelLibc.SocketName(socket, bytes, &length);
        if (result != 0 || length < 2 || length > LongestAddress)
            return null;
        AddressFamily family = *(ushort*)bytes switch
        {
            2 => AddressFamily.InterNetwork,
            10 => AddressFamily.InterNetworkV6,
            1 => AddressFamily.Unix,
            _ => AddressFamily.Unknown,
        };
        if (family == AddressFamily.Unknown)
            return null;
        var address = new SocketAddress(family, Math.Max((int)length, 2));
        new ReadOnlySpan<byte>(bytes, (int)length).CopyTo(address.Buffer.Span);
        return address;
    }

    /// <returns>0, or the error.</returns>
    public static int SetOption(SafeHandle socket, int level, int option, int value)
        => (int)LinuxError.Result(ChannelLibc.SetOption(socket, level, option, &value, sizeof(int)));

    public static int GetOption(SafeHandle socket, int level, int option)
    {
        int value = 0;
        uint length = sizeof(int);
        return ChannelLibc.GetOption(socket, level, option, &value, &length) == 0 ? value : -Marshal.GetLastPInvokeError();
    }

    /// <summary>SO_ERROR: what has befallen the connection since it was last asked; 0 if nothing has.</summary>
    public static int TakeError(SafeHandle socket) => Math.Abs(GetOption(socket, ChannelLibc.SolSocket, ChannelLibc.SoError));

    /// <summary>The peer sees the end of the stream.</summary>
    /// <returns>0, or the error.</returns>
    public static int ShutdownWrite(SafeHandle socket) => (int)LinuxError.Result(ChannelLibc.Shutdown(socket, 1));

    /// <summary>
    /// Bytes that the peer's system has not acknowledged (TCP), or that the peer has not read, counted with what the system needs to keep
    /// them (AF_UNIX). -1 if it cannot be told.
    /// </summary>
    public static long Unsent(SafeHandle socket)
    {
        int value = 0;
        return ChannelLibc.IoControl(socket, ChannelLibc.SocketOutQueue, &value) == 0 ? value : -1;
    }

    public static nint Send(SafeHandle socket, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* from = bytes)
        {
            var slice = new IoSlice((nint)from, bytes.Length);
            var message = new ChannelLibc.MessageHeader { Vector = &slice, VectorLength = 1 };
            return LinuxError.Result(ChannelLibc.SendMessage(socket, &message, ChannelLibc.MsgDontWait | ChannelLibc.MsgNoSignal));
        }
    }

    public static nint Send(SafeHandle socket, ReadOnlySpan<IoSlice> slices)
    {
        fixed (IoSlice* vector = slices)
        {
            var message = new ChannelLibc.MessageHeader { Vector = vector, VectorLength = (nuint)Math.Min(slices.Length, IoSlice.MostInOneCall) };
            return LinuxError.Result(ChannelLibc.SendMessage(socket, &message, ChannelLibc.MsgDontWait | ChannelLibc.MsgNoSignal));
        }
    }

    public static nint Receive(SafeHandle socket, Span<byte> buffer)
    {
        fixed (byte* to = buffer)
        {
            var slice = new IoSlice((nint)to, buffer.Length);
            var message = new ChannelLibc.MessageHeader { Vector = &slice, VectorLength = 1 };
            return LinuxError.Result(ChannelLibc.ReceiveMessage(socket, &message, ChannelLibc.MsgDontWait));
        }
    }

    public static nint Receive(SafeHandle socket, ReadOnlySpan<IoSlice> slices)
    {
        fixed (IoSlice* vector = slices)
        {
            var message = new ChannelLibc.MessageHeader { Vector = vector, VectorLength = (nuint)Math.Min(slices.Length, IoSlice.MostInOneCall) };
            return LinuxError.Result(ChannelLibc.ReceiveMessage(socket, &message, ChannelLibc.MsgDontWait));
        }
    }

    /// <summary>Sends one byte with a descriptor attached (SCM_RIGHTS).</summary>
    public static nint SendDescriptor(SafeHandle socket, byte payload, SafeHandle descriptor)
    {
        const int Space = 24;
        byte* control = stackalloc byte[Space];
        new Span<byte>(control, Space).Clear();
        bool held = false;
        try
        {
            descriptor.DangerousAddRef(ref held);
            var header = (ChannelLibc.ControlHeader*)control;
            header->Length = (nuint)(sizeof(ChannelLibc.ControlHeader) + sizeof(int));
            header->Level = ChannelLibc.SolSocket;
            header->Type = ChannelLibc.ScmRights;
            *(int*)(header + 1) = (int)descriptor.DangerousGetHandle();

            var slice = new IoSlice((nint)(&payload), 1);
            var message = new ChannelLibc.MessageHeader { Vector = &slice, VectorLength = 1, Control = control, ControlLength = Space };
            return LinuxError.Result(ChannelLibc.SendMessage(socket, &message, ChannelLibc.MsgDontWait | ChannelLibc.MsgNoSignal));
        }
        finally
        {
            if (held)
                descriptor.DangerousRelease();
        }
    }

    /// <summary>As <see cref="Receive(SafeHandle, Span{byte})"/>, and takes the descriptors that come with the bytes.</summary>
    /// <param name="socket">AF_UNIX.</param>
    /// <param name="buffer">For the bytes.</param>
    /// <param name="taken">Is given the descriptors.</param>
    /// <param name="lost">Some could not be taken: the process has as many as it may.</param>
    public static nint Receive(SafeHandle socket, Span<byte> buffer, Queue<SafeFileHandle> taken, out bool lost)
    {
        const int Space = 16 + MostDescriptors * sizeof(int) + 4;
        byte* control = stackalloc byte[Space];
        fixed (byte* to = buffer)
        {
            var slice = new IoSlice((nint)to, buffer.Length);
            var message = new ChannelLibc.MessageHeader { Vector = &slice, VectorLength = 1, Control = control, ControlLength = Space };
            nint count = LinuxError.Result(
                ChannelLibc.ReceiveMessage(socket, &message, ChannelLibc.MsgDontWait | ChannelLibc.MsgControlCloseOnExec));
            lost = count >= 0 && (message.Flags & ChannelLibc.MsgControlTruncated) != 0;
            if (count < 0)
                return count;

            byte* at = control;
            byte* end = control + (int)message.ControlLength;
            while (end - at >= sizeof(ChannelLibc.ControlHeader))
            {
                var header = (ChannelLibc.ControlHeader*)at;
                int length = (int)header->Length;
                if (length < sizeof(ChannelLibc.ControlHeader) || length > end - at)
                    break;
                if (header->Level == ChannelLibc.SolSocket && header->Type == ChannelLibc.ScmRights)
                {
                    int* descriptors = (int*)(header + 1);
                    for (int i = 0; i < (length - sizeof(ChannelLibc.ControlHeader)) / sizeof(int); i++)
                        taken.Enqueue(new SafeFileHandle(descriptors[i], ownsHandle: true));
                }
                at += (length + 7) & ~7;
            }
            return count;
        }
    }

    private static int Number(AddressFamily family) => family switch
    {
        AddressFamily.InterNetwork => 2,
        AddressFamily.InterNetworkV6 => 10,
        _ => 1,
    };
}
