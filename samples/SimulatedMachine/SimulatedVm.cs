using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using VmStateGen.Runtime;
using VmStateGen.Runtime.Ram;

namespace Simulated;

/// <summary>What to simulate.</summary>
public sealed record SimulatedOptions
{
    /// <summary>Guest RAM in MiB.</summary>
    public int MiB { get; init; } = 64;

    /// <summary>CPUs, each a thread.</summary>
    public int Cpus { get; init; } = 2;

    /// <summary>Pages that each CPU writes in turn; the rest of RAM is never touched.</summary>
    public int PagesEach { get; init; } = 2048;

    /// <summary>Pages a second that each CPU writes.</summary>
    public int Rate { get; init; } = 20_000;

    /// <summary>A file that is the RAM, so that another process can map it; by default anonymous memory.</summary>
    public string? MemoryFile { get; init; }
}

/// <summary>
/// A virtual machine without a CPU: threads write into guest RAM what can be checked afterwards. All that embedding takes is here: a
/// <see cref="GuestMemory"/>, a <see cref="Machine"/> with its devices, and how the guest is stopped and started.
/// </summary>
public sealed class SimulatedVm : IMachineLifecycle, IDisposable
{
    private const int PageSize = 4096;
    private readonly SimulatedOptions options;
    private readonly RamBlock ram;
    private readonly CpuState[] cpus;
    private readonly TimerCard timer = new();
    private readonly ConsoleCard console = new();
    private readonly List<Thread> threads = [];
    private volatile bool isStopping;
    private volatile int throttle;

    public SimulatedVm(SimulatedOptions? options = null)
    {
        this.options = options ??= new SimulatedOptions();
        if ((long)options.Cpus * options.PagesEach * PageSize > (long)options.MiB << 20)
            throw new ArgumentException("The CPUs write more pages than there are.", nameof(options));
        Memory = new GuestMemory(PageSize);
        var backing = options.MemoryFile is null
            ? new RamBlockOptions()
            : new RamBlockOptions { Backing = RamBacking.File, Path = options.MemoryFile, IsShared = true };
        ram = Memory.AddBlock("sim.ram", (long)options.MiB << 20, backing);
        Memory.MapBlock(0, ram);

        Machine = new Machine("simulated-1.0", Memory, this);
        cpus = new CpuState[options.Cpus];
        for (var i = 0; i < cpus.Length; i++)
            Machine.Register(cpus[i] = new CpuState());
        Machine.Register(timer);
        Machine.Register(console, new RegistrationOptions { Path = "0000:00:01.0" });
    }

    /// <summary>What is migrated.</summary>
    public Machine Machine { get; }

    /// <summary>Its RAM.</summary>
    public GuestMemory Memory { get; }

    /// <inheritdoc/>
    public bool IsRunning => threads.Count > 0;

    /// <summary>Pages written by all CPUs; exact while the guest is stopped.</summary>
    public ulong Count
    {
        get
        {
            var sum = 0UL;
            foreach (var cpu in cpus)
                sum += Volatile.Read(ref cpu.CountRef);
            return sum;
        }
    }

    /// <summary>All that devices hold, for comparison. Of a stopped guest.</summary>
    public string DeviceState => $"{string.Join(' ', Array.ConvertAll(cpus, cpu => cpu.Count))} {timer} {console}";

    /// <inheritdoc/>
    public void Resume()
    {
        if (IsRunning)
            throw new InvalidOperationException("The guest runs already.");
        isStopping = false;
        for (var i = 0; i < cpus.Length; i++)
        {
            var number = i;
            var thread = new Thread(() => RunCpu(number)) { IsBackground = true, Name = $"cpu {i}" };
            threads.Add(thread);
            thread.Start();
        }
    }

    /// <inheritdoc/>
    public void Pause()
    {
        isStopping = true;
        threads.ForEach(static thread => thread.Join());
        threads.Clear();
    }

    /// <inheritdoc/>
    public void Throttle(int percent) => throttle = percent;

    /// <summary>Compares every page with what the CPUs must have written. Of a stopped guest.</summary>
    /// <returns>The first that is wrong; <see langword="null"/> if none is.</returns>
    public string? FindDamage()
    {
        Span<byte> page = stackalloc byte[PageSize];
        for (var cpu = 0; cpu < cpus.Length; cpu++)
        {
            var pages = (ulong)options.PagesEach;
            var count = cpus[cpu].Count;
            for (var i = 0UL; i < pages; i++)
            {
                // The newest count up to the CPU's that falls on this page; 0 if it was not there yet.
                var newest = count < i ? 0 : count - (count - i) % pages;
                var expected = newest == 0 ? 0 : Mark(cpu, newest);
                Memory.Read(ram, PageOffset(cpu, i), page);
                var head = BinaryPrimitives.ReadUInt64LittleEndian(page);
                var tail = BinaryPrimitives.ReadUInt64LittleEndian(page[^8..]);
                if (head != expected || tail != expected)
                    return $"CPU {cpu}, page {i}: begins with {head:x} and ends with {tail:x}, must be {expected:x} at count {count}";
                if (page[8..^8].ContainsAnyExcept((byte)0))
                    return $"CPU {cpu}, page {i}: something between its marks";
            }
        }
        return null;
    }

    public void Dispose()
    {
        Pause();
        Memory.Dispose();
    }

    private static ulong Mark(int cpu, ulong count) => (ulong)(cpu + 1) << 56 | count;

    private long PageOffset(int cpu, ulong page) => ((long)cpu * options.PagesEach + (long)page) * PageSize;

    private void RunCpu(int number)
    {
        var cpu = cpus[number];
        var watch = Stopwatch.StartNew();
        var begun = cpu.Count;
        while (!isStopping)
        {
            var due = begun + (ulong)(watch.Elapsed.TotalSeconds * options.Rate * (100 - throttle) / 100);
            while (cpu.Count < due && !isStopping)
                Step(number, cpu);
            Thread.Sleep(1);
        }
    }

    private void Step(int number, CpuState cpu)
    {
        Span<byte> mark = stackalloc byte[8];
        var count = cpu.Count + 1;
        BinaryPrimitives.WriteUInt64LittleEndian(mark, Mark(number, count));
        var offset = PageOffset(number, count % (ulong)options.PagesEach);
        Memory.Write(ram, offset, mark);
        Memory.Write(ram, offset + PageSize - 8, mark);
        Volatile.Write(ref cpu.CountRef, count);
        if (number != 0 || count % 64 != 0)
            return;

        // The first CPU also uses the devices: they are saved when no CPU runs, so they need no lock.
        timer.Tick(count);
        console.Type((byte)(count / 64 % 5 == 0 ? '\n' : 'a' + count / 64 % 26));
    }
}
