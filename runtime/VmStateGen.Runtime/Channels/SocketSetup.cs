using System;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>Options of sockets, and what their addresses are called.</summary>
internal static class SocketSetup
{
    /// <summary>
    /// Twice the system's default at least: with that a writer wakes when a quarter is left to read, and often the reader is done with it before.
    /// Measured: 1.3 times the throughput (docs/performance.md, "Moving RAM"). Not more, for what is in it counts as sent.
    /// </summary>
    private const int UnixSendBuffer = 1 << 20;

    /// <summary>What every connection gets. An option that the system refuses costs comfort, not correctness: it is left out.</summary>
    public static void Configure(SafeHandle socket, bool isUnix, ChannelOptions options)
    {
        SetBuffers(socket, options);
        if (isUnix)
        {
            if (options.SendBufferSize == 0)
                LinuxSockets.SetOption(socket, Libc.SolSocket, Libc.SoSendBuffer, UnixSendBuffer);
            return;
        }

        // Small messages of the return path and of postcopy must not wait for each other (as in QEMU).
        LinuxSockets.SetOption(socket, Libc.ProtocolTcp, Libc.TcpNoDelay, 1);
        if (options.UnacknowledgedTimeout > TimeSpan.Zero)
        {
            int milliseconds = (int)Math.Clamp(options.UnacknowledgedTimeout.TotalMilliseconds, 1, int.MaxValue);
            LinuxSockets.SetOption(socket, Libc.ProtocolTcp, Libc.TcpUserTimeout, milliseconds);
        }
        if (options.KeepAlive is not { } keepAlive)
            return;
        LinuxSockets.SetOption(socket, Libc.SolSocket, Libc.SoKeepAlive, 1);
        LinuxSockets.SetOption(socket, Libc.ProtocolTcp, Libc.TcpKeepIdle, Seconds(keepAlive.Idle));
        LinuxSockets.SetOption(socket, Libc.ProtocolTcp, Libc.TcpKeepInterval, Seconds(keepAlive.Interval));
        LinuxSockets.SetOption(socket, Libc.ProtocolTcp, Libc.TcpKeepCount, Math.Clamp(keepAlive.Count, 1, 127));
    }

    /// <summary>Sizes that take effect only if they are set before the connection is there.</summary>
    public static void SetBuffers(SafeHandle socket, ChannelOptions options)
    {
        if (options.SendBufferSize > 0)
            LinuxSockets.SetOption(socket, Libc.SolSocket, Libc.SoSendBuffer, options.SendBufferSize);
        if (options.ReceiveBufferSize > 0)
            LinuxSockets.SetOption(socket, Libc.SolSocket, Libc.SoReceiveBuffer, options.ReceiveBufferSize);
    }

    public static bool IsUnix(SafeHandle socket) => LinuxSockets.Name(socket, ofPeer: false)?.Family == AddressFamily.Unix;

    /// <summary>Where a TCP socket is bound or its peer is.</summary>
    public static IPEndPoint? EndPoint(SafeHandle socket, bool ofPeer)
    {
        if (LinuxSockets.Name(socket, ofPeer) is not { Family: AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 } name)
            return null;
        var any = new IPEndPoint(name.Family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        var found = (IPEndPoint)any.Create(name);
        return found.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(found.Address.MapToIPv4(), found.Port) : found;
    }

    public static string Describe(SafeHandle socket) => EndPoint(socket, ofPeer: true) is { } peer ? $"tcp:{peer}" : "unix:(socket)";

    private static int Seconds(TimeSpan time) => (int)Math.Clamp(Math.Ceiling(time.TotalSeconds), 1, 32767);
}
