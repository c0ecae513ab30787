using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>
/// Where a destination waits for its source: one connection, or several (multifd, the preempt channel, a recovery). <c>fd:</c>,
/// <c>exec:</c> and <c>file:</c> have one, which is there at once.
/// </summary>
public sealed class ChannelListener : IDisposable
{
    private readonly ChannelOptions options;
    private readonly List<SafeFileHandle> sockets = [];
    private readonly WakeEvent disposed = new();
    private readonly string? path;
    private readonly FileIdentity? pathIdentity;
    private int opened;
    private int isDisposed;

    private ChannelListener(ChannelAddress address, ChannelOptions options, int backlog)
    {
        this.options = options;
        Address = address;
        switch (address)
        {
            case UnixAddress unix:
                path = unix.Path;
                ListenUnix(unix, backlog);
                pathIdentity = LinuxFiles.Identify(unix.Path, followLink: false, out _);
                break;
            case TcpAddress tcp:
                Address = ListenTcp(tcp, backlog);
                break;
        }
    }

    /// <summary>What is listened on, with the port that was chosen if none was given.</summary>
    public ChannelAddress Address { get; }

    /// <summary>Listens from now on.</summary>
    /// <param name="address">Where.</param>
    /// <param name="options">Of the channels that come.</param>
    /// <param name="backlog">Connections that may wait to be accepted.</param>
    /// <exception cref="ChannelException">It is not possible.</exception>
    public static ChannelListener Listen(ChannelAddress address, ChannelOptions? options = null, int backlog = 128)
    {
        ArgumentNullException.ThrowIfNull(address);
        return new ChannelListener(address, options ?? ChannelOptions.Default, backlog);
    }

    /// <summary>Waits for the next connection.</summary>
    /// <param name="timeout">For this long.</param>
    /// <param name="token">Ends the wait at once; the listener goes on.</param>
    /// <exception cref="ChannelException">Nobody came in time, or it is closed.</exception>
    /// <exception cref="OperationCanceledException">The token said so.</exception>
    public Channel Accept(TimeSpan timeout, CancellationToken token = default)
    {
        if (sockets.Count == 0 && Volatile.Read(ref isDisposed) == 0)
        {
            if (Interlocked.Exchange(ref opened, 1) != 0)
                throw ChannelConnector.Failed(Address.ToString(), "accept", ChannelFault.NotSupported, "it is one connection, and that was accepted before; several need tcp: or unix:", 0);
            return ChannelConnector.Open(Address, ChannelDirection.Incoming, options);
        }
        Deadline deadline = Deadline.In(timeout);
        using var wake = new WakeEvent();
        using CancellationTokenRegistration registration = token.Register(static state => ((WakeEvent)state!).Set(), wake);
        while (true)
        {
            token.ThrowIfCancellationRequested();
            ThrowIfDisposed();
            if (TryAccept() is { } channel)
                return channel;
            if (deadline.HasPassed)
                throw ChannelConnector.Failed(Address.ToString(), "accept", ChannelFault.TimedOut, $"nobody has connected within {timeout.TotalSeconds:0.###} s; is the source given this address?", 0);

            // A host's name that stands for several addresses is rare; then they take turns.
            Deadline turn = sockets.Count == 1 ? deadline : deadline.AtMost(TimeSpan.FromMilliseconds(10));
            foreach (SafeFileHandle socket in sockets)
                LinuxPoll.Wait(socket, PollEvents.In, wake, disposed, turn);
        }
    }

    /// <summary>Listens no more and wakes whoever waits. Connections that nobody has accepted are refused.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0)
            return;
        disposed.Set();

        // Only what was made here is removed: somebody else may listen under the same name by now.
        if (path is not null && pathIdentity is { } made && LinuxFiles.Identify(path, followLink: false, out _) == made)
            _ = LinuxFiles.Unlink(path);
        foreach (SafeFileHandle socket in sockets)
            socket.Dispose();
        disposed.Dispose();
    }

    private void ThrowIfDisposed()
    {
        if (Volatile.Read(ref isDisposed) != 0)
            throw ChannelConnector.Failed(Address.ToString(), "accept", ChannelFault.Cancelled, "the listener was closed", 0);
    }

    private SocketChannel? TryAccept()
    {
        foreach (SafeFileHandle socket in sockets)
        {
            SafeFileHandle? connection;
            int errno;
            try
            {
                connection = LinuxSockets.Accept(socket, out errno);
            }
            catch (ObjectDisposedException)
            {
                ThrowIfDisposed();
                throw;
            }
            if (connection is not null)
            {
                bool isUnix = Address is UnixAddress;
                return new SocketChannel(connection, isUnix ? Address.ToString() : SocketSetup.Describe(connection), isUnix, options);
            }

            // A connection that was gone before it was accepted is nobody's failure (accept(2)).
            if (errno is not (Errno.Again or Errno.Intr or Errno.ConnAborted))
                throw ChannelConnector.Failed(Address.ToString(), "accept", ChannelFault.System, errno == Errno.MFile ? $"{LinuxError.Text(errno)}: raise the limit (ulimit -n)" : LinuxError.Text(errno), errno);
        }
        return null;
    }

    private void ListenUnix(UnixAddress address, int backlog)
    {
        // What an earlier listener has left goes, as in QEMU; what is no socket stays.
        if (LinuxFiles.Identify(address.Path, followLink: false, out _) is { } there)
        {
            if (there.Kind != FileKind.Socket)
                throw ChannelConnector.Failed(address.ToString(), "listen", ChannelFault.NotSupported, $"there is something else under this name ({there.Kind}): remove it or use another name", 0);
            _ = LinuxFiles.Unlink(address.Path);
        }
        SafeFileHandle socket = LinuxSockets.Create(AddressFamily.Unix);
        sockets.Add(socket);
        SocketSetup.SetBuffers(socket, options);
        int errno = -LinuxSockets.Bind(socket, new UnixDomainSocketEndPoint(address.Path));
        if (errno == 0)
            errno = -LinuxSockets.Listen(socket, backlog);
        if (errno != 0)
            throw Refused(address, errno);
    }

    private TcpAddress ListenTcp(TcpAddress address, int backlog)
    {
        bool isAny = address.Host.Length == 0;
        IPAddress[] hosts = isAny ? AnyAddresses(address) : ChannelConnector.Resolve(address, Deadline.Never, CancellationToken.None);
        int port = address.Port;
        int failure = 0;
        foreach (IPAddress host in hosts)
        {
            SafeFileHandle socket;
            try
            {
                socket = LinuxSockets.Create(host.AddressFamily);
            }
            catch (System.IO.IOException e)
            {
                // A host without IPv6.
                failure = e.HResult;
                continue;
            }
            LinuxSockets.SetOption(socket, Libc.SolSocket, Libc.SoReuseAddress, 1);
            if (host.AddressFamily == AddressFamily.InterNetworkV6)
                LinuxSockets.SetOption(socket, Libc.ProtocolIpv6, Libc.Ipv6Only, 1);
            SocketSetup.SetBuffers(socket, options);
            int errno = -LinuxSockets.Bind(socket, new IPEndPoint(host, port));
            if (errno == 0)
                errno = -LinuxSockets.Listen(socket, backlog);
            if (errno != 0)
            {
                failure = errno;
                socket.Dispose();
                continue;
            }
            sockets.Add(socket);
            if (port == 0)
                port = SocketSetup.EndPoint(socket, ofPeer: false)!.Port;
        }
        return sockets.Count > 0 ? address with { Port = port } : throw Refused(address, failure);
    }

    private static IPAddress[] AnyAddresses(TcpAddress address)
        => Array.FindAll([IPAddress.Any, IPAddress.IPv6Any], one => ChannelAddressParser.Allows(one.AddressFamily, address.Ipv4, address.Ipv6));

    private ChannelException Refused(ChannelAddress address, int errno)
    {
        foreach (SafeFileHandle socket in sockets)
            socket.Dispose();
        disposed.Dispose();
        string advice = errno == Errno.AddrInUse ? ": somebody else listens there; use another port" : "";
        return ChannelConnector.Failed(address.ToString(), "listen", ChannelFault.System, LinuxError.Text(errno) + advice, errno);
    }
}
