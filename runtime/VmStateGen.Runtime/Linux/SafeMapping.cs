using System.Runtime.InteropServices;

namespace VmStateGen.Runtime.Linux;

/// <summary>
/// Memory that is mapped at an aligned address with unmapped space in front and behind. It goes when it is disposed and no call uses it any
/// longer, or when it is collected.
/// </summary>
/// <remarks>Any thread. A user takes a reference (DangerousAddRef) for as long as it holds the address.</remarks>
internal sealed class SafeMapping : SafeHandle
{
    private readonly nuint reserved;

    private SafeMapping(nint reservation, nuint reserved, nint address, long length)
        : base(0, ownsHandle: true)
    {
        this.reserved = reserved;
        Address = address;
        Length = length;
        SetHandle(reservation);
    }

    /// <summary>First byte of the memory.</summary>
    public nint Address { get; }

    /// <summary>Its length in bytes.</summary>
    public long Length { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Private zeroed memory, which takes up nothing until it is touched.</summary>
    /// <param name="length">Bytes, a multiple of the host's page size.</param>
    /// <param name="alignment">Bytes, a power of two, at least the host's page size.</param>
    /// <exception cref="SystemCallException">mmap failed.</exception>
    public static SafeMapping Anonymous(long length, long alignment)
        => Map(length, alignment, Libc.MapPrivate | Libc.MapAnonymous, null, 0);

    /// <summary>A mapping of a file.</summary>
    /// <param name="file">Open for reading and writing. It may be closed afterwards.</param>
    /// <param name="offset">Of the first byte in the file, a multiple of its page size.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    /// <param name="alignment">Bytes, a power of two, at least the page size.</param>
    /// <param name="isShared">Writes reach the file and its other mappings; else they stay in this mapping.</param>
    /// <param name="advice">For the error's message.</param>
    /// <exception cref="SystemCallException">mmap failed.</exception>
    public static SafeMapping File(SafeHandle file, long offset, long length, long alignment, bool isShared, string? advice = null)
        => Map(length, alignment, isShared ? Libc.MapShared : Libc.MapPrivate, file, offset, advice);

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Libc.MemoryUnmap(handle, reserved) == 0;

    private static SafeMapping Map(long length, long alignment, int flags, SafeHandle? file, long offset, string? advice = null)
    {
        // The space around stays reserved and inaccessible: a stray access next to guest RAM faults instead of hitting other memory.
        var reserved = checked((nuint)(length + 2 * alignment));
        var reservation = Libc.MemoryMap(0, reserved, Libc.ProtNone, Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve, -1, 0);
        if (reservation == -1)
            throw SystemCallException.Last("mmap", $"0x{reserved:x} bytes, PROT_NONE");

        var address = (nint)(((nuint)reservation + (nuint)alignment) & ~((nuint)alignment - 1));
        var mapping = new SafeMapping(reservation, reserved, address, length);
        var isHeld = false;
        try
        {
            file?.DangerousAddRef(ref isHeld);
            var descriptor = file is null ? -1 : (int)file.DangerousGetHandle();
            if (Libc.MemoryMap(address, (nuint)length, Libc.ProtRead | Libc.ProtWrite, flags | Libc.MapFixed, descriptor, offset) == -1)
            {
                var sharing = (flags & Libc.MapShared) != 0 ? "MAP_SHARED" : "MAP_PRIVATE";
                throw SystemCallException.Last("mmap", $"0x{length:x} bytes, {sharing}, fd {descriptor}, offset 0x{offset:x}", advice);
            }
            return mapping;
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
        finally
        {
            if (isHeld)
                file!.DangerousRelease();
        }
    }
}
