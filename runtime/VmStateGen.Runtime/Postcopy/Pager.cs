using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>
/// Lets a guest run before its memory is there: who touches a page that is missing waits in the kernel (userfaultfd) until the page has been
/// brought from an <see cref="IPageSource"/>.
/// </summary>
/// <remarks>
/// <para><b>Use.</b> Make it, say what came before (<see cref="MarkReceived"/>), <see cref="Start"/>; any number of threads place pages; when all
/// are there, or the guest is no more, <see cref="Dispose"/>. From Start to Dispose the blocks are registered with userfaultfd:
/// <see cref="GuestMemory.Access{TState, TResult}(RamBlock, long, int, TState, RamReader{TState, TResult})"/> throws, Read and Write may wait.</para>
/// <para><b>Threads.</b> All members may be used from any thread. The pager's own thread hears of faults and asks the source; it never touches guest
/// RAM, for it would wait for itself. Pages are placed whole and atomically by the kernel.</para>
/// <para><b>What is given back</b> meanwhile (a balloon, <see cref="GuestMemory.Discard"/>, MADV_DONTNEED) reads as zeros afterwards, whether its
/// page had come or not.</para>
/// </remarks>
public sealed partial class Pager : IDisposable
{
    private const UserFaultFeatures Features = UserFaultFeatures.EventRemove | UserFaultFeatures.ThreadId;

    private readonly GuestMemory memory;
    private readonly IPageSource source;
    private readonly PagerOptions options;
    private readonly PageMap[] maps;
    private readonly UserFault userFault;
    private readonly WakeEvent stop = new();
    private readonly ManualResetEventSlim resident = new();
    private readonly FaultClock clock = new();
    private readonly object failureGate = new();
    private Thread? thread;
    private long startedAt;
    private long missing;
    private long residentAt;
    private int isDisposed;

    /// <param name="memory">The memory.</param>
    /// <param name="blocks">Which of its blocks. Their lengths cannot change until the pager is disposed of.</param>
    /// <param name="source">Where pages come from.</param>
    /// <param name="options">Nothing: the defaults.</param>
    /// <exception cref="SystemCallException">This process may not use userfaultfd, or the kernel lacks what it takes.</exception>
    public Pager(GuestMemory memory, IEnumerable<RamBlock> blocks, IPageSource source, PagerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(blocks);
        ArgumentNullException.ThrowIfNull(source);
        this.memory = memory;
        this.source = source;
        this.options = options ?? PagerOptions.Default;
        var all = new List<PageMap>();
        var features = Features;
        foreach (var block in blocks)
        {
            memory.Check(block, 0, 0);
            features |= FeaturesFor(block, IsMinor(block));
            all.Add(new PageMap(block, memory.PageSize));
        }
        maps = [.. all];
        userFault = UserFault.Open(features);
    }

    /// <summary>Why no page will come any more; <see langword="null"/> if nothing is wrong.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether all pages are there.</summary>
    public bool IsResident => resident.IsSet;

    /// <summary>Which pages have not come, of the blocks that lack any.</summary>
    public IReadOnlyList<MissingPages> Missing
    {
        get
        {
            var list = new List<MissingPages>();
            foreach (var map in maps)
            {
                if (map.MissingUnits is > 0 and var count)
                    list.Add(new MissingPages(map.Ram, count, map.Unit));
            }
            return list;
        }
    }

    /// <summary>What it has done so far.</summary>
    public PagerStatistics Statistics
    {
        get
        {
            var (faultLatency, requestLatency, threads) = clock.Snapshot();
            return new PagerStatistics
            {
                Faults = Interlocked.Read(ref faults),
                Requests = Interlocked.Read(ref requests),
                Served = Interlocked.Read(ref served),
                Prefetched = Interlocked.Read(ref prefetched),
                ZeroPages = Interlocked.Read(ref zeroPages),
                Removed = Interlocked.Read(ref removed),
                Missing = Interlocked.Read(ref missing),
                FaultLatency = faultLatency,
                RequestLatency = requestLatency,
                TimeToResident = Volatile.Read(ref residentAt) is not 0 and var at ? Stopwatch.GetElapsedTime(startedAt, at) : null,
                BlockedThreads = threads,
            };
        }
    }

    /// <summary>Whether this process and this kernel can do it. Changes nothing.</summary>
    /// <param name="blocks">The blocks that it would be for.</param>
    /// <param name="options">Nothing: the defaults.</param>
    /// <exception cref="SystemCallException">Says what is missing and what to do.</exception>
    public static void CheckSupport(IEnumerable<RamBlock> blocks, PagerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        var features = Features;
        foreach (var block in blocks)
            features |= FeaturesFor(block, options?.UseMinorFaults == true && block.IsShared);
        UserFault.Open(features).Dispose();
    }

    /// <summary>Bytes that are placed at once in a block: a page of the host or of the guest, whichever is larger.</summary>
    public int UnitOf(RamBlock block) => MapOf(block).Unit;

    /// <summary>Says which pages are there already. Before <see cref="Start"/>, which empties all others.</summary>
    /// <param name="block">A block of the pager.</param>
    /// <param name="pages">Set: there, or never written and so zeros. In pages of the guest.</param>
    public void MarkReceived(RamBlock block, DirtyBitmap pages)
    {
        ArgumentNullException.ThrowIfNull(pages);
        if (thread != null)
            throw new InvalidOperationException("The pager runs.");
        MapOf(block).SetReceived(pages);
    }

    /// <summary>Empties what has not come, registers the blocks and begins to serve. Returns at once; waits only for spans that are lent out.</summary>
    /// <exception cref="SystemCallException">A block's memory is of a kind that cannot be paged, named in the error.</exception>
    public void Start()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref isDisposed) != 0, this);
        if (thread != null)
            throw new InvalidOperationException("The pager runs.");
        startedAt = Stopwatch.GetTimestamp();
        foreach (var map in maps)
            missing += map.MissingUnits;
        foreach (var map in maps)
            Register(map);
        thread = new Thread(Run) { IsBackground = true, Name = "pager" };
        thread.Start();
        TellIfResident();
    }

    /// <summary>Waits until all pages are there.</summary>
    /// <returns>Whether they are.</returns>
    public bool WaitUntilResident(TimeSpan timeout) => resident.Wait(timeout);

    /// <summary>Asks the source once more for all that it was asked for and has not come, as after a broken link. On the caller's thread.</summary>
    /// <returns>How many pages.</returns>
    public long RequestAgain()
    {
        var count = 0L;
        foreach (var map in maps)
        {
            for (var unit = map.Requested.FindNext(0); unit >= 0 && unit < map.Requested.PageCount; unit = map.Requested.FindNext(unit + 1))
            {
                if (map.Received[unit])
                    continue;
                source.Request(map.Ram, unit * map.Unit, map.Unit);
                count++;
            }
        }
        return count;
    }

    /// <summary>
    /// Ends it: the blocks are ordinary memory again. Pages that are there stay; whoever still waits for one goes on and reads zeros, so a guest
    /// that lacks pages must be no more.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0)
            return;
        stop.Set();
        if (thread != Thread.CurrentThread)
            thread?.Join();
        foreach (var map in maps)
            Unregister(map);
        userFault.Dispose();
        stop.Dispose();
    }

    /// <summary>The bits of RECV_BITMAP of a block; <see langword="null"/> if the pager has no such block.</summary>
    internal byte[]? ReceivedBitmap(string block)
    {
        var map = Array.Find(maps, one => one.Ram.Name == block);
        return map?.ToWireBitmap();
    }

    private static UserFaultFeatures FeaturesFor(RamBlock block, bool isMinor)
    {
        var isHuge = block.PageSize != Environment.SystemPageSize;
        var features = block.File is null ? 0 : isHuge ? UserFaultFeatures.MissingHugeTlbFs : UserFaultFeatures.MissingSharedMemory;
        if (isMinor)
            features |= isHuge ? UserFaultFeatures.MinorHugeTlbFs : UserFaultFeatures.MinorSharedMemory;
        return features;
    }

    private bool IsMinor(RamBlock block) => options.UseMinorFaults && block.IsShared;

    private PageMap MapOf(RamBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        foreach (var map in maps)
        {
            if (map.Ram == block)
                return map;
        }
        throw new ArgumentException($"{block.Name} is not a block of this pager.", nameof(block));
    }

    private void Register(PageMap map)
    {
        var ram = map.Ram;

        // Else the kernel would join small pages, and fill what is missing between them with zeros.
        if (ram.PageSize == Environment.SystemPageSize)
            MemoryCalls.TryAdvise(ram.Mapping, 0, map.Length, MemoryAdvice.NoHugePage);
        map.Registration = memory.RegisterFaults(ram, 0, map.Length);
        for (var unit = map.Received.FindNextClean(0); unit < map.Received.PageCount;)
        {
            var end = map.Received.FindNext(unit) is >= 0 and var next ? next : map.Received.PageCount;
            memory.Discard(ram, unit * map.Unit, (end - unit) * map.Unit);
            unit = end == map.Received.PageCount ? end : map.Received.FindNextClean(end);
        }
        try
        {
            if (IsMinor(ram))
                map.Alias = SafeMapping.File(ram.File!, ram.FileOffset, ram.MaxLength, ram.PageSize, isShared: true);
            userFault.Register(ram.Mapping, 0, map.Length, map.Alias is null ? UserFaultModes.Missing : UserFaultModes.Missing | UserFaultModes.Minor);
            map.IsRegistered = true;
        }
        catch (SystemCallException e) when (e.Errno == Errno.Inval)
        {
            throw new SystemCallException(e.Call, $"{ram.Name}: {e.Arguments}", e.Errno, $"Memory of the kind {ram.Backing}{(ram.IsShared ? ", shared" : "")} cannot be paged: use anonymous memory, a memory file, tmpfs or huge pages.");
        }
    }

    private void Unregister(PageMap map)
    {
        if (map.Registration is not { } registration)
            return;
        try
        {
            if (map.IsRegistered)
                userFault.Unregister(map.Ram.Mapping, 0, map.Length);
            if (map.Ram.WantsTransparentHugePages)
                MemoryCalls.TryAdvise(map.Ram.Mapping, 0, map.Length, MemoryAdvice.HugePage);
        }
        catch (ObjectDisposedException)
        {
            // The memory went first.
        }
        registration.Dispose();
        map.Dispose();
    }

    /// <summary>Outside the gate: whoever is told may take his time.</summary>
    private void TellIfResident()
    {
        if (Interlocked.Read(ref missing) != 0 || Interlocked.CompareExchange(ref residentAt, Stopwatch.GetTimestamp(), 0) != 0)
            return;
        resident.Set();
        options.OnResident?.Invoke();
    }

    private void Fail(Exception reason)
    {
        lock (failureGate)
        {
            if (Failure != null)
                return;
            Failure = reason;
        }
        options.OnFailure?.Invoke(reason);
    }
}
