using System.Linq;
using VmStateGen;

namespace QemuDevices;

/// <summary>User networking: section <c>slirp</c>, which a trailer shows as so many bytes (qemu-migration.md §12).</summary>
/// <remarks>
/// Only while no channel to a host program (<c>guestfwd</c>) is open: each would be a record in front, whose form is not known here. Such a
/// section is refused, not guessed at.
/// </remarks>
[VmState("slirp", Version = 4, MinimumVersion = 4)]
public sealed partial class Slirp
{
    private const byte NoChannel = 0;
    private const int Leases = 16;

    /// <summary>Not zero in front of a channel's record.</summary>
    [Field(Expect = Expect.Equal)] private readonly byte channel = NoChannel;
    [Field] private ushort ipId;
    [Field(Length = Leases)] private readonly DhcpLease[] leases = [.. Enumerable.Range(0, Leases).Select(_ => new DhcpLease())];
}

/// <summary>An address that the DHCP server has given out, or could.</summary>
[VmState("slirp_lease", Nested = true)]
public sealed partial class DhcpLease
{
    [Field] private ushort allocated;
    [Field(Length = 6)] private readonly byte[] mac = new byte[6];
}
