using System;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace VmStateGen.Runtime.Channels;

/// <summary>Reads QEMU's URIs of migration.</summary>
internal static class ChannelAddressParser
{
    /// <summary>Bytes that fit into sun_path with the zero at the end.</summary>
    public const int LongestUnixPath = 107;

    private const string OffsetOption = ",offset=";

    public static ChannelAddress? Parse(string uri, out string? problem)
    {
        int colon = uri.IndexOf(':');
        string scheme = colon < 0 ? "" : uri[..colon];
        string rest = uri[(colon + 1)..];
        if (rest.Contains('\0') || uri.Contains('\0'))
        {
            problem = "it contains a zero character";
            return null;
        }
        switch (scheme)
        {
            case "tcp":
                return Tcp(rest, out problem);
            case "unix":
                int length = Encoding.UTF8.GetByteCount(rest);
                problem = length switch
                {
                    0 => "the path is empty: write unix:PATH",
                    > LongestUnixPath => $"the path has {length} bytes, and the system takes {LongestUnixPath}: use a shorter one",
                    _ => null,
                };
                return problem is null ? new UnixAddress(rest) : null;
            case "fd":
                problem = null;
                if (int.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out int descriptor))
                    return new DescriptorAddress(descriptor);
                problem = $"'{rest}' is no number of a descriptor: write fd:N (names exist only within QEMU, by its command getfd)";
                return null;
            case "exec":
                problem = rest.Length == 0 ? "the command is empty: write exec:COMMAND" : null;
                return problem is null ? new ExecAddress(rest) : null;
            case "file":
                return File(rest, out problem);
            case "vsock" or "rdma":
                problem = $"{scheme}: is not supported: use tcp:, unix:, fd:, exec: or file:";
                return null;
            default:
                problem = "it starts with none of tcp:, unix:, fd:, exec: and file:";
                return null;
        }
    }

    private static TcpAddress? Tcp(string rest, out string? problem)
    {
        string[] parts = rest.Split(',');
        if (!HostAndPort(parts[0], out string host, out int port, out problem))
            return null;
        bool? ipv4 = null, ipv6 = null;
        foreach (string option in parts.AsSpan(1))
        {
            int equals = option.IndexOf('=');
            string name = equals < 0 ? option : option[..equals];
            bool? value = (equals < 0 ? "on" : option[(equals + 1)..]) switch
            {
                "on" or "yes" or "true" or "y" => true,
                "off" or "no" or "false" or "n" => false,
                _ => null,
            };
            if (name is not ("ipv4" or "ipv6"))
                problem = $"option '{option}' is not supported: there are ipv4=on|off and ipv6=on|off";
            else if (value is null)
                problem = $"option '{option}' is neither on nor off";
            else if (name == "ipv4")
                ipv4 = value;
            else
                ipv6 = value;
            if (problem is not null)
                return null;
        }
        if (ipv4 == false && ipv6 == false)
            problem = "neither IPv4 nor IPv6 is allowed";
        else if (IPAddress.TryParse(host, out IPAddress? number) && !Allows(number.AddressFamily, ipv4, ipv6))
            problem = $"{host} is not of the kind that ipv4= and ipv6= allow";
        return problem is null ? new TcpAddress(host, port, ipv4, ipv6) : null;
    }

    /// <summary>What the two options mean together, as in QEMU: one that is on excludes the other kind, unless both are.</summary>
    public static bool Allows(AddressFamily family, bool? ipv4, bool? ipv6)
    {
        if (ipv4 == ipv6)
            return ipv4 != false;
        bool isIpv6Only = ipv6 == true || ipv4 == false;
        return family == (isIpv6Only ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork);
    }

    private static bool HostAndPort(string text, out string host, out int port, out string? problem)
    {
        host = "";
        port = 0;
        string portText;
        if (text.StartsWith('['))
        {
            int end = text.IndexOf("]:", StringComparison.Ordinal);
            if (end < 0)
            {
                problem = "after '[' there is no ']:': write tcp:[::1]:PORT";
                return false;
            }
            host = text[1..end];
            portText = text[(end + 2)..];
            if (!IPAddress.TryParse(host, out IPAddress? number) || number.AddressFamily != AddressFamily.InterNetworkV6)
            {
                problem = $"'{host}' is no IPv6 address";
                return false;
            }
        }
        else
        {
            int colon = text.IndexOf(':');
            if (colon < 0)
            {
                problem = "there is no port: write tcp:HOST:PORT";
                return false;
            }
            if (colon != text.LastIndexOf(':'))
            {
                problem = "there is more than one ':': an IPv6 address is written in brackets, tcp:[::1]:PORT";
                return false;
            }
            host = text[..colon];
            portText = text[(colon + 1)..];
        }
        bool isPort = int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort;
        problem = isPort ? null : $"'{portText}' is no port: a number up to {IPEndPoint.MaxPort}";
        return isPort;
    }

    private static FileAddress? File(string rest, out string? problem)
    {
        problem = null;
        long offset = 0;

        // QEMU looks for the first one: a path cannot contain it.
        int option = rest.IndexOf(OffsetOption, StringComparison.Ordinal);
        string path = option < 0 ? rest : rest[..option];
        if (option >= 0 && !Size(rest[(option + OffsetOption.Length)..], out offset))
            problem = $"'{rest[(option + OffsetOption.Length)..]}' is no offset: a number of bytes, decimal or 0x…, or with one of K, M, G, T, P, E";
        else if (path.Length == 0)
            problem = "the path is empty: write file:PATH[,offset=N]";
        return problem is null ? new FileAddress(path, offset) : null;
    }

    /// <summary>A size as QEMU takes it, without fractions.</summary>
    private static bool Size(string text, out long bytes)
    {
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes) && bytes >= 0;
        int shift = text.Length == 0 ? 0 : "BKMGTPE".IndexOf(char.ToUpperInvariant(text[^1])) * 10;
        bool hasUnit = text.Length > 0 && shift >= 0 && !char.IsAsciiDigit(text[^1]);
        ReadOnlySpan<char> digits = hasUnit ? text.AsSpan(0, text.Length - 1) : text;
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out bytes))
            return false;
        if (!hasUnit)
            return true;
        if (bytes > long.MaxValue >> shift)
            return false;
        bytes <<= shift;
        return true;
    }
}
