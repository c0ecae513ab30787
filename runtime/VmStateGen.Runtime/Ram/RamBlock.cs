using System;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Ram;

/// <summary>
/// A block of guest RAM: a name, a length and host memory, which managed code reads and writes only through the <see cref="GuestMemory"/>
/// that the block was added to. Where the guest sees it, if at all, is the matter of <see cref="GuestMemory"/> too.
/// </summary>
/// <remarks>
/// Any thread. Memory reads as zeros (or as its file) until it is written. After <see cref="Dispose"/> it is unmapped as soon as no call
/// uses it any longer; whoever handed <see cref="HostAddress"/> to the kernel or to another thread must have taken it back by then.
/// </remarks>
public sealed class RamBlock : IDisposable
{
    /// <summary>Most bytes that a name has: its length is one byte in the stream (qemu-migration.md §5.2).</summary>
    public const int MaxNameLength = 255;

    private readonly RamBlockOptions options;
    private readonly object clientsLock = new();
    private long usedLength;

    // Replaced as a whole, never changed: writers of RAM read it without a lock.
    private DirtyBitmap[] dirtyClients = [];

    private RamBlock(string name, long usedLength, RamBlockOptions options, SafeMapping mapping, SafeFileHandle? file, long pageSize)
    {
        Name = name;
        this.usedLength = usedLength;
        this.options = options;
        Mapping = mapping;
        File = file;
        PageSize = pageSize;
    }

    /// <summary>Name that identifies the block on both sides of a migration: <c>pc.ram</c>, <c>0000:00:02.0/vga.vram</c>.</summary>
    public string Name { get; }

    /// <summary>Bytes that the guest sees and a migration moves.</summary>
    public long UsedLength => Volatile.Read(ref usedLength);

    /// <summary>Bytes that <see cref="UsedLength"/> can be.</summary>
    public long MaxLength => Mapping.Length;

    /// <summary>Bytes of a page of its memory: the host's, or a huge page's. Memory is populated and given back in these.</summary>
    public long PageSize { get; }

    /// <summary>What is behind it.</summary>
    public RamBacking Backing => options.Backing;

    /// <summary>Whether writes reach other mappings of the same file.</summary>
    public bool IsShared => options.IsShared;

    /// <summary>Whether a migration moves it.</summary>
    public bool IsMigratable => options.IsMigratable;

    /// <summary>Who writes it: the runtime, and whom the block was said to have.</summary>
    public RamWriters Writers => options.Writers | RamWriters.Runtime;

    /// <summary>Where in <see cref="File"/> it begins, in bytes.</summary>
    public long FileOffset => options.FileOffset;

    /// <summary>
    /// Address in this process, for system calls that take one (KVM_SET_USER_MEMORY_REGION, userfaultfd, vhost). Managed code must not
    /// touch it: see <see cref="GuestMemory"/>. Aligned to 2 MiB at least where the block is that large.
    /// </summary>
    public nint HostAddress => Mapping.Address;

    /// <summary>The file behind it, to be handed to another process; <see langword="null"/> for anonymous memory. The block owns it.</summary>
    public SafeFileHandle? File { get; }

    internal SafeMapping Mapping { get; }

    /// <summary>Whether the kernel was asked for transparent huge pages.</summary>
    internal bool WantsTransparentHugePages => options.UseTransparentHugePages && PageSize == Environment.SystemPageSize;

    /// <summary>The memory it was added to.</summary>
    internal GuestMemory? Owner { get; set; }

    /// <summary>The ranges that are registered with userfaultfd. Replaced as a whole, by the writer of the memory's gate.</summary>
    internal FaultRegistration[] Registered { get; set; } = [];

    /// <summary>Makes a block.</summary>
    /// <param name="name">1 to 255 printable ASCII characters.</param>
    /// <param name="usedLength">Bytes, a positive multiple of the host's page size (of huge pages: theirs).</param>
    /// <param name="options">How; by default private anonymous memory with transparent huge pages.</param>
    /// <exception cref="ArgumentException">A name, length or combination of options that cannot be.</exception>
    /// <exception cref="SystemCallException">The memory or file could not be had.</exception>
    /// <exception cref="PlatformNotSupportedException">This is not 64-bit Linux.</exception>
    public static RamBlock Create(string name, long usedLength, RamBlockOptions? options = null)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
            throw new PlatformNotSupportedException("Guest RAM needs 64-bit Linux.");
        options ??= new RamBlockOptions();
        CheckName(name);
        CheckOptions(options);

        SafeFileHandle? file = null;
        SafeMapping? mapping = null;
        try
        {
            file = OpenFile(name, options);
            var pageSize = options.Backing switch
            {
                RamBacking.HugePages => options.HugePageSize,
                RamBacking.File when FileCalls.Facts(file!).HugePageSize is > 0 and var huge => huge,
                _ => Environment.SystemPageSize,
            };
            var maxLength = options.MaxLength == 0 ? usedLength : options.MaxLength;
            CheckLength(usedLength, pageSize, name, nameof(usedLength));
            CheckLength(maxLength, pageSize, name, nameof(options));
            if (usedLength > maxLength)
                throw new ArgumentOutOfRangeException(nameof(usedLength), usedLength, $"{name}: must be no more than the 0x{maxLength:x} bytes that the block can grow to.");
            if (options.FileOffset % pageSize != 0)
                throw new ArgumentException($"{name}: the offset in the file must be a multiple of the page size, 0x{pageSize:x}.", nameof(options));

            mapping = MapMemory(file, maxLength, pageSize, options);
            var block = new RamBlock(name, usedLength, options, mapping, file, pageSize);
            (file, mapping) = (null, null);
            return block;
        }
        finally
        {
            mapping?.Dispose();
            file?.Dispose();
        }
    }

    /// <summary>
    /// Populates a range, so that no later access pays for the first touch: contents stay, and what was untouched counts as touched.
    /// </summary>
    /// <param name="offset">Bytes, a multiple of <see cref="PageSize"/>.</param>
    /// <param name="length">Bytes. To be stopped half-way, ask for a part at a time.</param>
    /// <exception cref="SystemCallException">There is not memory enough, or the kernel is older than 5.14.</exception>
    public void Populate(long offset, long length)
    {
        Check(offset, length);
        if (length != 0)
            MemoryCalls.Advise(Mapping, offset, length, MemoryAdvice.PopulateWrite);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} (0x{UsedLength:x} bytes)";

    /// <summary>Lets go of the memory and the file. One that was added to a <see cref="GuestMemory"/> goes with that, or when it is removed.</summary>
    public void Dispose()
    {
        if (Owner is { } owner)
            throw new InvalidOperationException($"{Name} belongs to a GuestMemory with {owner.Blocks.Count} blocks: remove it there.");
        Release();
    }

    internal void Release()
    {
        Mapping.Dispose();
        File?.Dispose();
    }

    /// <exception cref="ArgumentOutOfRangeException">The range is not within the used length.</exception>
    internal void Check(long offset, long length)
    {
        var used = UsedLength;
        if (offset < 0 || length < 0 || offset > used - length)
            throw new ArgumentOutOfRangeException(nameof(offset), $"{Name}: 0x{length:x} bytes at offset 0x{offset:x} are not within its 0x{used:x} bytes.");
    }

    internal void SetUsedLength(long length)
    {
        CheckLength(length, PageSize, Name, nameof(length));
        if (length > MaxLength)
            throw new ArgumentOutOfRangeException(nameof(length), length, $"{Name}: can have 0x{MaxLength:x} bytes at most.");
        if (dirtyClients.Length != 0)
            throw new InvalidOperationException($"{Name}: its length cannot change while a dirty log of it is in use.");
        var old = UsedLength;
        if (length < old)
        {
            // So that growing again shows zeros, not what was there.
            Volatile.Write(ref usedLength, length);
            Give(length, old - length);
        }
        Volatile.Write(ref usedLength, length);
    }

    /// <summary>Gives memory back to the host. Afterwards it reads as zeros, and is untouched; of a private file mapping, as the file.</summary>
    internal void Give(long offset, long length)
    {
        if (length == 0)
            return;
        if (offset % PageSize != 0 || length % PageSize != 0)
            throw new ArgumentOutOfRangeException(nameof(offset), $"{Name}: memory can be given back in pages of 0x{PageSize:x} bytes, not 0x{length:x} bytes at 0x{offset:x}.");

        // Who pages the range must be told, and the kernel tells it of madvise only, not of fallocate.
        if (IsShared && Registered.Length != 0)
        {
            MemoryCalls.Advise(Mapping, offset, length, MemoryAdvice.Remove);
            return;
        }

        // A private mapping has its own copies, and a file that is the block's own has a page behind each of them.
        if (!IsShared)
            MemoryCalls.Advise(Mapping, offset, length, MemoryAdvice.DontNeed);
        if (File != null && (IsShared || Backing != RamBacking.File))
            FileCalls.PunchHole(File, FileOffset + offset, length);
    }

    /// <summary>Starts marking a bitmap on writes through <see cref="GuestMemory"/>. Afterwards no write is unmarked, whatever thread it is on.</summary>
    internal void AddDirtyClient(DirtyBitmap bitmap)
    {
        lock (clientsLock)
            Volatile.Write(ref dirtyClients, [.. dirtyClients, bitmap]);

        // A writer stores into RAM, then looks for clients. Either it finds this one, or what it wrote is visible from here on: that takes a
        // full fence on both sides, and this one puts it into every running thread, so that writes need none.
        Interlocked.MemoryBarrierProcessWide();
    }

    internal void RemoveDirtyClient(DirtyBitmap bitmap)
    {
        lock (clientsLock)
            Volatile.Write(ref dirtyClients, Array.FindAll(dirtyClients, client => client != bitmap));
    }

    /// <summary>Marks what was written: after the write, never before it.</summary>
    internal void MarkDirty(long offset, long length)
    {
        if (length == 0)
            return;
        foreach (var bitmap in Volatile.Read(ref dirtyClients))
            bitmap.MarkBytes(offset, length);
    }

    private static SafeFileHandle? OpenFile(string name, RamBlockOptions options) => options.Backing switch
    {
        RamBacking.Anonymous => null,
        RamBacking.File => FileCalls.OpenReadWrite(options.Path!, create: true),

        // Names are cut to what memfd_create takes; they are for people who read /proc/self/maps.
        RamBacking.MemoryFile => FileCalls.CreateMemoryFile(name[..Math.Min(name.Length, 200)]),
        _ => FileCalls.CreateMemoryFile(name[..Math.Min(name.Length, 200)], options.HugePageSize),
    };

    private static SafeMapping MapMemory(SafeFileHandle? file, long length, long pageSize, RamBlockOptions options)
    {
        // A transparent huge page needs an address that is a multiple of its size.
        const long HugeAlignment = 2 << 20;
        var alignment = Math.Max(pageSize, length >= HugeAlignment ? HugeAlignment : Environment.SystemPageSize);
        SafeMapping mapping;
        if (file is null)
        {
            mapping = SafeMapping.Anonymous(length, alignment);
        }
        else
        {
            // Never shortened: it may hold a guest.
            if (FileCalls.Facts(file).Length < options.FileOffset + length)
                FileCalls.SetLength(file, options.FileOffset + length);
            var advice = pageSize == Environment.SystemPageSize ? null
                : $"Reserve {length / pageSize} huge pages of {pageSize >> 10} KiB: /sys/kernel/mm/hugepages/hugepages-{pageSize >> 10}kB/nr_hugepages.";
            mapping = SafeMapping.File(file, options.FileOffset, length, alignment, options.IsShared, advice);
        }

        // Hints; a kernel without transparent huge pages refuses the first.
        if (pageSize == Environment.SystemPageSize)
            MemoryCalls.TryAdvise(mapping, 0, length, options.UseTransparentHugePages ? MemoryAdvice.HugePage : MemoryAdvice.NoHugePage);
        MemoryCalls.TryAdvise(mapping, 0, length, MemoryAdvice.DontFork);
        return mapping;
    }

    private static void CheckName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > MaxNameLength || name.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new ArgumentException($"A block's name has 1 to {MaxNameLength} printable ASCII characters.", nameof(name));
    }

    private static void CheckOptions(RamBlockOptions options)
    {
        if (options.Backing is < RamBacking.Anonymous or > RamBacking.HugePages)
            throw new ArgumentException($"There is no backing {options.Backing}.", nameof(options));
        if (options.Backing == RamBacking.Anonymous && options.IsShared)
            throw new ArgumentException("Anonymous memory is not shared with anybody: use a memory file.", nameof(options));
        if ((options.Backing == RamBacking.File) != (options.Path != null))
            throw new ArgumentException("A file needs a path, and nothing else has one.", nameof(options));
        if (options.FileOffset != 0 && options.Backing != RamBacking.File || options.FileOffset < 0)
            throw new ArgumentException("Only a file has an offset, and it is not negative.", nameof(options));
        if (options.Backing == RamBacking.HugePages && (options.HugePageSize <= Environment.SystemPageSize || !long.IsPow2(options.HugePageSize)))
            throw new ArgumentException("A huge page has a power of two of bytes, more than the host's page.", nameof(options));
    }

    private static void CheckLength(long length, long pageSize, string name, string parameter)
    {
        // Offsets, alignment and file lengths then cannot overflow; no host maps more.
        const long Most = 1L << 56;
        if (length <= 0 || length > Most || length % pageSize != 0)
            throw new ArgumentOutOfRangeException(parameter, length, $"{name}: a length is a positive multiple of the page size, 0x{pageSize:x}.");
    }
}
