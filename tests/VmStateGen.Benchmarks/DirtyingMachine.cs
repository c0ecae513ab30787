using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Threading;
using VmStateGen.Runtime;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Benchmarks;

/// <summary><see cref="DirtyingLoad"/> on a machine of ours: a thread that never sleeps, as a vCPU that never halts.</summary>
internal sealed class DirtyingMachine : IMachineLifecycle, IDisposable
{
    private readonly DirtyingLoad load;
    private readonly Action? beat;
    private readonly RamBlock ram;
    private readonly Thread cpu;
    private readonly object gate = new();
    private volatile bool isWanted;
    private bool isInside;
    private bool isEnding;
    private volatile int throttle;
    private long written;

    /// <param name="load">What the guest does.</param>
    /// <param name="beat">Called by the guest for each beat.</param>
    public DirtyingMachine(DirtyingLoad load, Action? beat = null)
    {
        this.load = load;
        this.beat = beat;
        ram = Memory.AddBlock("pc.ram", (long)load.MemoryMiB << 20);
        Memory.MapBlock(0, ram);
        Machine = new Machine("dirtying-1", Memory, this);

        // As a vCPU's thread does, it waits until it may run.
        cpu = new Thread(RunCpu) { IsBackground = true, Name = "vCPU" };
        cpu.Start();
    }

    public GuestMemory Memory { get; } = new();

    public Machine Machine { get; }

    /// <summary>Pages written in all; any thread.</summary>
    public long Written => Interlocked.Read(ref written);

    public bool IsRunning => isWanted;

    /// <summary>As the guest's program begins.</summary>
    public void Fill()
    {
        Span<uint> page = stackalloc uint[1024];
        page.Fill(DirtyingLoad.Pattern);
        for (int i = 0; i < load.Pages; i++)
            Memory.Write(ram, Offset(i), System.Runtime.InteropServices.MemoryMarshal.AsBytes(page));
    }

    public void Resume()
    {
        lock (gate)
        {
            isWanted = true;
            Monitor.PulseAll(gate);
        }
    }

    public void Pause()
    {
        lock (gate)
        {
            isWanted = false;
            while (isInside)
                Monitor.Wait(gate);
        }
    }

    public void Throttle(int percent) => throttle = percent;

    public void Dispose()
    {
        Pause();
        lock (gate)
        {
            isEnding = true;
            Monitor.PulseAll(gate);
        }
        cpu.Join();
        Memory.Dispose();
    }

    private static long Offset(long page) => DirtyingLoad.Address + page * 4096;

    private void RunCpu()
    {
        // Once without a step, so that the guest's code is there when the guest is.
        Write();
        while (true)
        {
            lock (gate)
            {
                while (!isWanted && !isEnding)
                    Monitor.Wait(gate);
                if (isEnding)
                    return;
                isInside = true;
            }
            Write();
            lock (gate)
            {
                isInside = false;
                Monitor.PulseAll(gate);
            }
        }
    }

    private void Write()
    {
        Span<byte> word = stackalloc byte[4];
        long due = Stopwatch.GetTimestamp();
        while (isWanted)
        {
            long now = Stopwatch.GetTimestamp();
            if (now < due)
                continue;
            due = (now - due > Stopwatch.Frequency / DirtyingLoad.BacklogShare ? now : due) + Stopwatch.Frequency * 100 / (load.PagesPerSecond * (100L - throttle));
            BinaryPrimitives.WriteUInt32LittleEndian(word, (uint)(written / load.Pages));
            Memory.Write(ram, Offset(written % load.Pages), word);
            if (++written % DirtyingLoad.PagesPerBeat == 0)
                beat?.Invoke();
        }
    }
}
