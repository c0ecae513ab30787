using System;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace VmStateGen.Runtime.Channels;

/// <summary>Where a channel leads, as QEMU's URIs say it: <c>tcp:</c>, <c>unix:</c>, <c>fd:</c>, <c>exec:</c>, <c>file:</c> (qemu-migration.md §5.22).</summary>
public abstract record ChannelAddress
{
    private protected ChannelAddress()
    {
    }

    /// <summary>Reads a URI.</summary>
    /// <exception cref="FormatException">It is none; the message says what is wrong with it and how it is written.</exception>
    public static ChannelAddress Parse(string uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        return ChannelAddressParser.Parse(uri, out string? problem) ?? throw new FormatException($"'{uri}' is no address of a migration: {problem}.");
    }

    /// <summary>Reads a URI.</summary>
    public static bool TryParse(string? uri, [NotNullWhen(true)] out ChannelAddress? address)
    {
        address = uri is null ? null : ChannelAddressParser.Parse(uri, out _);
        return address is not null;
    }

    /// <summary>The URI, which reads as this address again.</summary>
    public abstract override string ToString();
}

/// <summary><c>tcp:HOST:PORT[,ipv4=on|off][,ipv6=on|off]</c>.</summary>
/// <param name="Host">A name or number; empty for all addresses of this host, which only a listener can use.</param>
/// <param name="Port">0 for any free one, which only a listener can use.</param>
/// <param name="Ipv4">Whether it may, or must, be IPv4; <see langword="null"/> if nothing is said.</param>
/// <param name="Ipv6">Whether it may, or must, be IPv6; <see langword="null"/> if nothing is said.</param>
public sealed record TcpAddress(string Host, int Port, bool? Ipv4 = null, bool? Ipv6 = null) : ChannelAddress
{
    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder("tcp:");
        text.Append(Host.Contains(':') ? $"[{Host}]" : Host).Append(':').Append(Port.ToString(CultureInfo.InvariantCulture));
        if (Ipv4 is { } ipv4)
            text.Append(ipv4 ? ",ipv4=on" : ",ipv4=off");
        if (Ipv6 is { } ipv6)
            text.Append(ipv6 ? ",ipv6=on" : ",ipv6=off");
        return text.ToString();
    }
}

/// <summary><c>unix:PATH</c>. All of the rest is the path: QEMU has no options here.</summary>
public sealed record UnixAddress(string Path) : ChannelAddress
{
    /// <inheritdoc/>
    public override string ToString() => $"unix:{Path}";
}

/// <summary><c>fd:N</c>: a descriptor that this process has. The channel takes it over.</summary>
public sealed record DescriptorAddress(int Descriptor) : ChannelAddress
{
    /// <inheritdoc/>
    public override string ToString() => $"fd:{Descriptor.ToString(CultureInfo.InvariantCulture)}";
}

/// <summary><c>exec:COMMAND</c>: a command of the shell, which is written to or read from.</summary>
public sealed record ExecAddress(string Command) : ChannelAddress
{
    /// <inheritdoc/>
    public override string ToString() => $"exec:{Command}";
}

/// <summary><c>file:PATH[,offset=N]</c>.</summary>
public sealed record FileAddress(string Path, long Offset = 0) : ChannelAddress
{
    /// <inheritdoc/>
    public override string ToString() => Offset == 0 ? $"file:{Path}" : $"file:{Path},offset={Offset.ToString(CultureInfo.InvariantCulture)}";
}
