using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;
using static VmStateGen.Runtime.Tests.Channels.ChannelFixture;

namespace VmStateGen.Runtime.Tests.Channels;

/// <summary>What is believed of the C library's structures and constants, against its headers.</summary>
public sealed class AbiTests
{
    private const string Constants = """
        SolSocket SOL_SOCKET, SoReuseAddress SO_REUSEADDR, SoError SO_ERROR, SoSendBuffer SO_SNDBUF, SoReceiveBuffer SO_RCVBUF,
        SoKeepAlive SO_KEEPALIVE, ScmRights SCM_RIGHTS, ProtocolTcp IPPROTO_TCP, TcpNoDelay TCP_NODELAY, TcpKeepIdle TCP_KEEPIDLE,
        TcpKeepInterval TCP_KEEPINTVL, TcpKeepCount TCP_KEEPCNT, TcpUserTimeout TCP_USER_TIMEOUT, ProtocolIpv6 IPPROTO_IPV6,
        Ipv6Only IPV6_V6ONLY, SockStream SOCK_STREAM, SockNonBlock SOCK_NONBLOCK, SockCloseOnExec SOCK_CLOEXEC,
        MsgControlTruncated MSG_CTRUNC, MsgDontWait MSG_DONTWAIT, MsgNoSignal MSG_NOSIGNAL, MsgControlCloseOnExec MSG_CMSG_CLOEXEC,
        SocketOutQueue SIOCOUTQ, BytesReadable FIONREAD, GetFlags F_GETFL, SetFlags F_SETFL, SetDescriptorFlags F_SETFD,
        EventNonBlock EFD_NONBLOCK, EventCloseOnExec EFD_CLOEXEC, AtCurrentDirectory AT_FDCWD, AtNoFollow AT_SYMLINK_NOFOLLOW,
        AtEmptyPath AT_EMPTY_PATH, StatxBasic STATX_BASIC_STATS, PidfdOpenCall SYS_pidfd_open
        """;

    [Fact]
    public void Structures_have_their_sizes()
    {
        Assert.Equal(16, Unsafe.SizeOf<IoSlice>());
        Assert.Equal(8, Unsafe.SizeOf<Libc.PollFd>());
        Assert.Equal(56, Unsafe.SizeOf<Libc.MessageHeader>());
        Assert.Equal(16, Unsafe.SizeOf<Libc.ControlHeader>());
        Assert.Equal(256, Unsafe.SizeOf<Libc.Statx>());
    }

    [SkippableFact]
    public void Constants_are_those_of_the_headers()
    {
        Skip.IfNot(File.Exists("/usr/bin/cc") && File.Exists("/usr/include/stdio.h"), "There is no C compiler.");
        string folder = NewFolder();
        (string Ours, string Theirs)[] names = [.. Constants.Split([',', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(pair => pair.Split(' ')).Select(pair => (pair[0], pair[1]))];
        string program = $$"""
            #define _GNU_SOURCE
            #include <stdio.h>
            #include <stddef.h>
            #include <sys/socket.h>
            #include <netinet/in.h>
            #include <netinet/tcp.h>
            #include <sys/ioctl.h>
            #include <linux/sockios.h>
            #include <fcntl.h>
            #include <sys/eventfd.h>
            #include <sys/stat.h>
            #include <sys/syscall.h>
            #include <sys/uio.h>
            #include <poll.h>
            #include <spawn.h>
            #include <signal.h>
            int main(void) {
            {{string.Join('\n', names.Select(name => $"printf(\"{name.Ours} %lld\\n\", (long long){name.Theirs});"))}}
            printf("%zu %zu %zu %zu %zu\n", sizeof(struct iovec), sizeof(struct pollfd), sizeof(struct msghdr), sizeof(struct cmsghdr), sizeof(struct statx));
            printf("%zu %zu %zu %zu %zu\n", offsetof(struct statx, stx_mode), offsetof(struct statx, stx_ino), offsetof(struct statx, stx_size), offsetof(struct statx, stx_dev_major), offsetof(struct statx, stx_dev_minor));
            printf("%d\n", sizeof(posix_spawnattr_t) <= 512 && sizeof(posix_spawn_file_actions_t) <= 512 && sizeof(sigset_t) <= 512);
            printf("%d %d %d\n", POSIX_SPAWN_SETPGROUP, POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK);
            }
            """;
        File.WriteAllText(Path.Combine(folder, "abi.c"), program);
        using Channel run = ChannelConnector.Open(
            new ExecAddress($"cc -o '{folder}/abi' '{folder}/abi.c' && '{folder}/abi'"), ChannelDirection.Incoming);
        string[] said = System.Text.Encoding.ASCII.GetString(ReadToEnd(run)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        string[] expected = [.. names.Select(name => $"{name.Ours} {Value(name.Ours)}"), "16 8 56 16 256", "28 32 40 136 140", "1", "2 4 8"];
        Assert.Equal(expected, said);
    }

    private static string Value(string name)
        => Convert.ToString(typeof(Libc).GetField(name, BindingFlags.Public | BindingFlags.Static)!.GetValue(null), null)!;
}
