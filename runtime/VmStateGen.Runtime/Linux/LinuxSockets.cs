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
        int type = Libc.SockStream | Libc.SockNonBlock | Libc.SockCloseOnExec;
        int descriptor = Libc.Socket(Number(family), type, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw LinuxError.Last("socket");
    }

    /// <summary>Two AF_UNIX stream sockets that are connected to each other.</summary>
    public static (SafeFileHandle First, SafeFileHandle Second) CreatePair()
    {
        int* pair = stackalloc int[2];
        if (Libc.SocketPair(Number(AddressFamily.Unix), Libc.SockStream | Libc.SockCloseOnExec, 0, pair) != 0)
            throw LinuxError.Last("socketpair");
        return (new SafeFileHandle(pair[0], ownsHandle: true), new SafeFileHandle(pair[1], ownsHandle: true));
    }

    /// <returns>0, or the error.</returns>
    public static int Bind(SafeHandle socket, EndPoint address)
    {
        SocketAddress native = address.Serialize();
        fixed (byte* bytes = native.Buffer.Span)
            return (int)LinuxError.Result(Libc.Bind(socket, bytes, (uint)native.Size));
    }

    /// <returns>0, or the error.</returns>
    public static int Listen(SafeHandle socket, int backlog) => (int)LinuxError.Result(Libc.Listen(socket, backlog));

    /// <returns>0, or the error: EINPROGRESS if it goes on.</returns>
    public static int Connect(SafeHandle socket, EndPoint address)
    {
        SocketAddress native = address.Serialize();
        fixed (byte* bytes = native.Buffer.Span)
            return (int)LinuxError.Result(Libc.Connect(socket, bytes, (uint)native.Size));
    }

    /// <returns>The connection, or <see langword="null"/> and the error.</returns>
    public static SafeFileHandle? Accept(SafeHandle socket, out int errno)
    {
        int descriptor = Libc.Accept(socket, null, null, Libc.SockNonBlock | Libc.SockCloseOnExec);
        errno = descriptor >= 0 ? 0 : Marshal.GetLastPInvokeError();
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : null;
    }

    /// <summary>Where the socket is bound, or the peer is; <see langword="null"/> if there is no such address.</summary>
    public static SocketAddress? Name(SafeHandle socket, bool ofPeer)
    {
        byte* bytes = stackalloc byte[LongestAddress];
        uint length = LongestAddress;
        int result = ofPeer ? Libc.PeerName(socket, bytes, &length) : Libc.SocketName(socket, bytes, &length);
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
        => (int)LinuxError.Result(Libc.SetOption(socket, level, option, &value, sizeof(int)));

    public static int GetOption(SafeHandle socket, int level, int option)
    {
        int value = 0;
        uint length = sizeof(int);
        return Libc.GetOption(socket, level, option, &value, &length) == 0 ? value : -Marshal.GetLastPInvokeError();
    }

    /// <summary>SO_ERROR: what has befallen the connection since it was last asked; 0 if nothing has.</summary>
    public static int TakeError(SafeHandle socket) => Math.Abs(GetOption(socket, Libc.SolSocket, Libc.SoError));

    /// <summary>The peer sees the end of the stream.</summary>
    /// <returns>0, or the error.</returns>
    public static int ShutdownWrite(SafeHandle socket) => (int)LinuxError.Result(Libc.Shutdown(socket, 1));

    /// <summary>
    /// Bytes that the peer's system has not acknowledged (TCP), or that the peer has not read, counted with what the system needs to keep
    /// them (AF_UNIX). -1 if it cannot be told.
    /// </summary>
    public static long Unsent(SafeHandle socket)
    {
        int value = 0;
        return Libc.IoControl(socket, Libc.SocketOutQueue, &value) == 0 ? value : -1;
    }

    public static nint Send(SafeHandle socket, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* from = bytes)
        {
            var slice = new IoSlice((nint)from, bytes.Length);
            var message = new Libc.MessageHeader { Vector = &slice, VectorLength = 1 };
            return LinuxError.Result(Libc.SendMessage(socket, &message, Libc.MsgDontWait | Libc.MsgNoSignal));
        }
    }

    public static nint Send(SafeHandle socket, ReadOnlySpan<IoSlice> slices)
    {
        fixed (IoSlice* vector = slices)
        {
            var message = new Libc.MessageHeader { Vector = vector, VectorLength = (nuint)Math.Min(slices.Length, IoSlice.MostInOneCall) };
            return LinuxError.Result(Libc.SendMessage(socket, &message, Libc.MsgDontWait | Libc.MsgNoSignal));
        }
    }

    public static nint Receive(SafeHandle socket, Span<byte> buffer)
    {
        fixed (byte* to = buffer)
        {
            var slice = new IoSlice((nint)to, buffer.Length);
            var message = new Libc.MessageHeader { Vector = &slice, VectorLength = 1 };
            return LinuxError.Result(Libc.ReceiveMessage(socket, &message, Libc.MsgDontWait));
        }
    }

    public static nint Receive(SafeHandle socket, ReadOnlySpan<IoSlice> slices)
    {
        fixed (IoSlice* vector = slices)
        {
            var message = new Libc.MessageHeader { Vector = vector, VectorLength = (nuint)Math.Min(slices.Length, IoSlice.MostInOneCall) };
            return LinuxError.Result(Libc.ReceiveMessage(socket, &message, Libc.MsgDontWait));
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
            var header = (Libc.ControlHeader*)control;
            header->Length = (nuint)(sizeof(Libc.ControlHeader) + sizeof(int));
            header->Level = Libc.SolSocket;
            header->Type = Libc.ScmRights;
            *(int*)(header + 1) = (int)descriptor.DangerousGetHandle();

            var slice = new IoSlice((nint)(&payload), 1);
            var message = new Libc.MessageHeader { Vector = &slice, VectorLength = 1, Control = control, ControlLength = Space };
            return LinuxError.Result(Libc.SendMessage(socket, &message, Libc.MsgDontWait | Libc.MsgNoSignal));
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
            var message = new Libc.MessageHeader { Vector = &slice, VectorLength = 1, Control = control, ControlLength = Space };
            nint count = LinuxError.Result(
                Libc.ReceiveMessage(socket, &message, Libc.MsgDontWait | Libc.MsgControlCloseOnExec));
            lost = count >= 0 && (message.Flags & Libc.MsgControlTruncated) != 0;
            if (count < 0)
                return count;

            byte* at = control;
            byte* end = control + (int)message.ControlLength;
            while (end - at >= sizeof(Libc.ControlHeader))
            {
                var header = (Libc.ControlHeader*)at;
                int length = (int)header->Length;
                if (length < sizeof(Libc.ControlHeader) || length > end - at)
                    break;
                if (header->Level == Libc.SolSocket && header->Type == Libc.ScmRights)
                {
                    int* descriptors = (int*)(header + 1);
                    for (int i = 0; i < (length - sizeof(Libc.ControlHeader)) / sizeof(int); i++)
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
