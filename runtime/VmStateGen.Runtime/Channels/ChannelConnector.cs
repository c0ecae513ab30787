using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>Which way a channel that has only one is used.</summary>
public enum ChannelDirection
{
    /// <summary>A source writes.</summary>
    Outgoing,

    /// <summary>A destination reads.</summary>
    Incoming,
}

/// <summary>Opens channels. <see cref="ChannelListener"/> is its other half.</summary>
public static class ChannelConnector
{
    /// <summary>Connects to, opens or starts what an address names, to write to it.</summary>
    /// <param name="address">Where.</param>
    /// <param name="options">Timeouts and retries.</param>
    /// <param name="token">Ends the attempt at once.</param>
    /// <exception cref="ChannelException">It was not possible.</exception>
    /// <exception cref="OperationCanceledException">The token said so.</exception>
    public static Channel Connect(ChannelAddress address, ConnectOptions? options = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        options ??= ConnectOptions.Default;
        return address switch
        {
            TcpAddress or UnixAddress => ConnectSocket(address, options, token),
            FileAddress file => OpenFile(file, ChannelDirection.Outgoing, options.Channel, Deadline.In(options.Timeout), token),
            _ => Open(address, ChannelDirection.Outgoing, options.Channel),
        };
    }

    /// <summary>Opens what has nobody at its other end who would have to be waited for: <c>fd:</c>, <c>exec:</c> and <c>file:</c>.</summary>
    public static Channel Open(ChannelAddress address, ChannelDirection direction, ChannelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        options ??= ChannelOptions.Default;
        return address switch
        {
            DescriptorAddress descriptor => FromDescriptor(new SafeFileHandle(descriptor.Descriptor, ownsHandle: true), address.ToString(), options),
            ExecAddress exec => ExecChannel.Start(exec.Command, direction, options),
            FileAddress file => OpenFile(file, direction, options, Deadline.In(options.WriteTimeout), CancellationToken.None),
            _ => throw new ArgumentException($"{address} is connected to, or listened on.", nameof(address)),
        };
    }

    /// <summary>A channel on a descriptor, which it takes over: a connected socket, a pipe, a file.</summary>
    public static Channel FromDescriptor(SafeFileHandle descriptor, string? peer = null, ChannelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        options ??= ChannelOptions.Default;
        peer ??= $"fd:{descriptor.DangerousGetHandle()}";
        if (LinuxFiles.Identify(descriptor, out int errno) is not { } what)
        {
            // The number may be somebody else's tomorrow: it must not be closed with this.
            descriptor.SetHandleAsInvalid();
            throw Failed(peer, "open", ChannelFault.System, $"{LinuxError.Text(errno)}: this process has no such descriptor", errno);
        }
        if (what.Kind == FileKind.Directory)
        {
            descriptor.Dispose();
            throw Failed(peer, "open", ChannelFault.NotSupported, "it is a directory", 0);
        }
        LinuxFiles.SetCloseOnExec(descriptor);
        return what.Kind switch
        {
            FileKind.Socket => new SocketChannel(descriptor, peer, SocketSetup.IsUnix(descriptor), options),
            FileKind.Regular or FileKind.BlockDevice => new FileChannel(descriptor, peer, Math.Max(0, LinuxFiles.Position(descriptor)), options),
            _ => new PipeChannel(descriptor, peer, options),
        };
    }

    /// <summary>
    /// A new file that appears under its name when <see cref="Channel.Close"/> has written it out, and never if that is not called. What
    /// is there and is no ordinary file (a device, a FIFO) is written to as it is.
    /// </summary>
    public static Channel CreateAtomic(FileAddress address, ChannelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        options ??= ChannelOptions.Default;
        if (address.Offset != 0)
            throw new ArgumentException($"{address}: what is in front of an offset belongs to a file that is there already; only a new one can appear at once.", nameof(address));
        return AtomicFile.TryCreate(address.Path, address.ToString(), out SafeFileHandle? handle) is { } atomic
            ? new FileChannel(handle!, address.ToString(), 0, options, atomic)
            : OpenFile(address, ChannelDirection.Outgoing, options, Deadline.In(options.WriteTimeout), CancellationToken.None);
    }

    internal static ChannelException Failed(string peer, string operation, ChannelFault fault, string problem, int errno)
        => new($"{peer}: {operation}: {problem}.", fault, peer, operation, errno);

    /// <summary>The addresses that a host's name stands for.</summary>
    internal static IPAddress[] Resolve(TcpAddress address, Deadline deadline, CancellationToken token)
    {
        IPAddress[] found;
        if (IPAddress.TryParse(address.Host, out IPAddress? number))
        {
            found = [number];
        }
        else
        {
            using var source = CancellationTokenSource.CreateLinkedTokenSource(token);
            if (deadline.Milliseconds() is >= 0 and var milliseconds)
                source.CancelAfter(milliseconds);
            try
            {
                found = Dns.GetHostAddressesAsync(address.Host, source.Token).GetAwaiter().GetResult();
            }
            catch (SocketException e)
            {
                throw new ChannelException($"{address}: look up {address.Host}: {e.Message}.", ChannelFault.Refused, address.ToString(), "look up", e.ErrorCode, e);
            }
            catch (OperationCanceledException) when (!token.IsCancellationRequested)
            {
                throw Failed(address.ToString(), "look up", ChannelFault.TimedOut, $"nobody has told in time what {address.Host} is", 0);
            }
        }
        found = Array.FindAll(found, one => ChannelAddressParser.Allows(one.AddressFamily, address.Ipv4, address.Ipv6));
        return found.Length > 0 ? found : throw Failed(address.ToString(), "look up", ChannelFault.Refused, "the host has no address of the kind that ipv4= and ipv6= allow", 0);
    }

    private static Channel OpenFile(FileAddress address, ChannelDirection direction, ChannelOptions options, Deadline deadline, CancellationToken token)
    {
        string peer = address.ToString();
        bool isOutgoing = direction == ChannelDirection.Outgoing;
        FileIdentity? there = LinuxFiles.Identify(address.Path, followLink: true, out int errno);
        if (there?.Kind is FileKind.Directory or FileKind.Socket)
            throw Failed(peer, "open", ChannelFault.NotSupported, there.Value.Kind == FileKind.Socket ? "it is a socket: write unix:PATH" : "it is a directory", 0);

        // Opening a FIFO would wait in the system for its other end, where no cancel reaches: a writer asks again until a reader is there.
        // A reader's wait is its first read.
        bool isPipe = there?.Kind == FileKind.Pipe;
        int flags = isOutgoing ? LinuxFiles.WriteOnly | (there is null ? LinuxFiles.Create : 0) : LinuxFiles.ReadOnly;
        SafeFileHandle? handle;
        while ((handle = LinuxFiles.Open(address.Path, flags | (isPipe ? LinuxFiles.NonBlock : 0), out errno)) is null)
        {
            if (!isPipe || errno != Errno.NxIo)
                break;
            token.ThrowIfCancellationRequested();
            if (deadline.HasPassed)
                throw Failed(peer, "open", ChannelFault.TimedOut, "nobody has opened the FIFO to read from it", errno);
            token.WaitHandle.WaitOne(10);
        }
        if (handle is null)
            throw Failed(peer, "open", ChannelFault.System, LinuxError.Text(errno), errno);
        if (isPipe || there?.Kind is FileKind.CharacterDevice)
            return new PipeChannel(handle, peer, options);

        // As QEMU does: what is in front of the offset (libvirt's header) stays, what is behind it goes.
        if (isOutgoing && there?.Kind is null or FileKind.Regular)
        {
            errno = -LinuxFiles.SetLength(handle, address.Offset);
            if (errno != 0)
            {
                handle.Dispose();
                throw Failed(peer, "truncate", ChannelFault.System, LinuxError.Text(errno), errno);
            }
        }
        return new FileChannel(handle, peer, address.Offset, options);
    }

    private static SocketChannel ConnectSocket(ChannelAddress address, ConnectOptions options, CancellationToken token)
    {
        Deadline deadline = Deadline.In(options.Timeout);
        using var wake = new WakeEvent();
        using CancellationTokenRegistration registration = token.Register(static state => ((WakeEvent)state!).Set(), wake);
        while (true)
        {
            token.ThrowIfCancellationRequested();
            ChannelException? failure = null;
            foreach (EndPoint endPoint in EndPoints(address, deadline, token))
            {
                if (TryConnect(address, endPoint, options, deadline, wake, token, out failure) is { } channel)
                    return channel;
            }
            bool isWorthwhile = failure!.Fault == ChannelFault.Refused;
            if (!options.Retry || !isWorthwhile)
                throw failure;
            if (deadline.HasPassed)
                throw new ChannelException($"{failure.Message} Tried for {options.Timeout.TotalSeconds:0.###} s.", ChannelFault.TimedOut, failure.Peer, failure.Operation, failure.ErrorNumber, failure);
            LinuxPoll.Wait(null, PollEvents.None, wake, null, deadline.AtMost(options.RetryDelay));
        }
    }

    private static EndPoint[] EndPoints(ChannelAddress address, Deadline deadline, CancellationToken token)
    {
        if (address is UnixAddress unix)
            return [new UnixDomainSocketEndPoint(unix.Path)];
        var tcp = (TcpAddress)address;
        if (tcp.Host.Length == 0 || tcp.Port == 0)
            throw Failed(address.ToString(), "connect", ChannelFault.NotSupported, "a host and a port are needed to connect to; without them one can only listen", 0);
        return Array.ConvertAll(Resolve(tcp, deadline, token), one => (EndPoint)new IPEndPoint(one, tcp.Port));
    }

    private static SocketChannel? TryConnect(
        ChannelAddress address, EndPoint endPoint, ConnectOptions options, Deadline deadline, WakeEvent wake, CancellationToken token, out ChannelException? failure)
    {
        failure = null;
        bool isUnix = address is UnixAddress;
        string peer = isUnix ? address.ToString() : $"tcp:{endPoint}";
        SafeFileHandle socket = LinuxSockets.Create(endPoint.AddressFamily);
        try
        {
            // Buffers decide on the window that is offered: before the connection.
            SocketSetup.SetBuffers(socket, options.Channel);
            int errno = -LinuxSockets.Connect(socket, endPoint);
            if (errno == Errno.InProgress)
            {
                PollEvents found = LinuxPoll.Wait(socket, PollEvents.Out, wake, null, deadline);
                token.ThrowIfCancellationRequested();
                if (found == PollEvents.None)
                {
                    failure = Failed(peer, "connect", ChannelFault.TimedOut, $"no answer within {options.Timeout.TotalSeconds:0.###} s; is the address right, and does a firewall let it pass?", 0);
                    return null;
                }
                errno = LinuxSockets.TakeError(socket);
            }
            if (errno == 0)
            {
                var channel = new SocketChannel(socket, peer, isUnix, options.Channel);
                socket = null!;
                return channel;
            }
            failure = Refusal(peer, errno);
            return null;
        }
        finally
        {
            socket?.Dispose();
        }
    }

    private static ChannelException Refusal(string peer, int errno)
    {
        string text = LinuxError.Text(errno);
        return errno switch
        {
            Errno.ConnRefused => Failed(peer, "connect", ChannelFault.Refused, $"nobody listens there ({text}); start the destination first", errno),
            Errno.NoEnt => Failed(peer, "connect", ChannelFault.Refused, $"there is no such socket ({text}); start the destination first", errno),
            Errno.Again => Failed(peer, "connect", ChannelFault.Refused, "whoever listens there has too many waiting connections", errno),
            Errno.ConnReset or Errno.ConnAborted => Failed(peer, "connect", ChannelFault.Refused, text, errno),
            Errno.TimedOut => Failed(peer, "connect", ChannelFault.TimedOut, text, errno),
            Errno.HostUnreach or Errno.NetUnreach => Failed(peer, "connect", ChannelFault.Refused, text, errno),
            _ => Failed(peer, "connect", ChannelFault.System, text, errno),
        };
    }
}
