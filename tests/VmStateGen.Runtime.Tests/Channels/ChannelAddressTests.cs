using System;
using VmStateGen.Runtime.Channels;

namespace VmStateGen.Runtime.Tests.Channels;

public sealed class ChannelAddressTests
{
    [Fact]
    public void Reads_what_QEMU_reads()
    {
        Assert.Equal(new TcpAddress("localhost", 4444), ChannelAddress.Parse("tcp:localhost:4444"));
        Assert.Equal(new TcpAddress("", 0), ChannelAddress.Parse("tcp::0"));
        Assert.Equal(new TcpAddress("::1", 1), ChannelAddress.Parse("tcp:[::1]:1"));
        Assert.Equal(new TcpAddress("h", 1, true, false), ChannelAddress.Parse("tcp:h:1,ipv4,ipv6=off"));
        Assert.Equal(new UnixAddress("/a,b:c d"), ChannelAddress.Parse("unix:/a,b:c d"));
        Assert.Equal(new DescriptorAddress(7), ChannelAddress.Parse("fd:7"));
        Assert.Equal(new ExecAddress("gzip -c > 'x:y,offset=1'"), ChannelAddress.Parse("exec:gzip -c > 'x:y,offset=1'"));
        Assert.Equal(new FileAddress("/x,y"), ChannelAddress.Parse("file:/x,y"));
        Assert.Equal(new FileAddress("/x", 0x1000), ChannelAddress.Parse("file:/x,offset=0x1000"));
        Assert.Equal(new FileAddress("/x", 2 << 20), ChannelAddress.Parse("file:/x,offset=2M"));
    }

    [Theory]
    [InlineData("", "starts with none")]
    [InlineData("tcp", "starts with none")]
    [InlineData("udp:h:1", "starts with none")]
    [InlineData("tcp:h", "no port")]
    [InlineData("tcp:h:", "no port")]
    [InlineData("tcp:h:65536", "no port")]
    [InlineData("tcp:h:-1", "no port")]
    [InlineData("tcp:h:http", "no port")]
    [InlineData("tcp:::1:4444", "brackets")]
    [InlineData("tcp:[::1:4444", "']:'")]
    [InlineData("tcp:[1.2.3.4]:4444", "no IPv6 address")]
    [InlineData("tcp:h:1,ipv4=maybe", "neither on nor off")]
    [InlineData("tcp:h:1,to=9", "not supported")]
    [InlineData("tcp:h:1,ipv4=off,ipv6=off", "neither IPv4 nor IPv6")]
    [InlineData("tcp:127.0.0.1:1,ipv6=on", "not of the kind")]
    [InlineData("unix:", "path is empty")]
    [InlineData("fd:name", "getfd")]
    [InlineData("fd:-1", "no number")]
    [InlineData("exec:", "command is empty")]
    [InlineData("file:", "path is empty")]
    [InlineData("file:,offset=1", "path is empty")]
    [InlineData("file:/x,offset=", "no offset")]
    [InlineData("file:/x,offset=-1", "no offset")]
    [InlineData("file:/x,offset=9E9", "no offset")]
    [InlineData("file:/x,offset=16E", "no offset")]
    [InlineData("rdma:h:1", "not supported")]
    [InlineData("unix:/a\0b", "zero character")]
    public void Says_what_is_wrong(string uri, string words)
    {
        Assert.Contains(words, Assert.Throws<FormatException>(() => ChannelAddress.Parse(uri)).Message, StringComparison.Ordinal);
        Assert.False(ChannelAddress.TryParse(uri, out _));
    }

    [Fact]
    public void A_path_that_no_socket_can_have_is_refused()
    {
        Assert.True(ChannelAddress.TryParse("unix:" + new string('a', 107), out _));
        Assert.Contains("107", Assert.Throws<FormatException>(() => ChannelAddress.Parse("unix:" + new string('a', 108))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_printed_reads_as_the_same()
    {
        var random = new Random(7);
        for (int i = 0; i < 5000; i++)
        {
            ChannelAddress address = Any(random);
            Assert.Equal(address, ChannelAddress.Parse(address.ToString()));
        }
    }

    [Fact]
    public void Whatever_is_read_is_an_address_or_a_FormatException()
    {
        var random = new Random(8);
        for (int i = 0; i < 20000; i++)
        {
            char[] uri = Any(random).ToString().ToCharArray();
            for (int n = random.Next(1, 4); n > 0; n--)
                uri[random.Next(uri.Length)] = ":,[]=x0-\0é"[random.Next(10)];
            if (ChannelAddress.TryParse(new string(uri), out ChannelAddress? address))
                Assert.Equal(address, ChannelAddress.Parse(address.ToString()));
        }
    }

    private static ChannelAddress Any(Random random)
    {
        bool? ipv4 = random.Next(3) switch { 0 => null, 1 => true, _ => false };
        bool? ipv6 = ipv4 == false ? true : random.Next(3) switch { 0 => null, 1 => true, _ => false };
        return random.Next(6) switch
        {
            0 => new TcpAddress("h" + Word(random, "abc.-09"), random.Next(65536), ipv4, ipv6),
            1 => new TcpAddress($"fe80::{random.Next(1, 0xffff):x}", random.Next(65536)),
            2 => new UnixAddress("/" + Word(random, "ab/:,= é")),
            3 => new DescriptorAddress(random.Next()),
            4 => new ExecAddress("x" + Word(random, "ab|>:,= 'é")),
            _ => new FileAddress("/" + Word(random, "ab/:,= é"), random.NextInt64()),
        };
    }

    private static string Word(Random random, string letters) => new(random.GetItems<char>(letters, random.Next(1, 30)));
}
