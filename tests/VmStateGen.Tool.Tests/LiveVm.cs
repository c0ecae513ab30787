using System;
using System.Threading.Tasks;
using VmStateGen.Runtime;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Tool.Tests;

/// <summary>A machine of RAM whose guest does nothing: the other end of a live migration.</summary>
internal sealed class LiveVm : IMachineLifecycle, IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public LiveVm(int bytes)
    {
        Memory = new GuestMemory();
        Ram = Memory.AddBlock("ram", bytes);
        Machine = new Machine("live-1.0", Memory, this);
    }

    public GuestMemory Memory { get; }

    public RamBlock Ram { get; }

    public Machine Machine { get; }

    public bool IsRunning { get; private set; }

    /// <summary>A guest that has written every page.</summary>
    public static LiveVm Running(int bytes)
    {
        var vm = new LiveVm(bytes);
        vm.Memory.Fill(vm.Ram, 0, bytes, 0xA5);
        vm.Resume();
        return vm;
    }

    public Task<MigrationResult> MigrateTo(string address)
    {
        var options = new MigrationSourceOptions { MaxBandwidth = 0, Connect = new ConnectOptions { Retry = true, Timeout = Limit } };
        return new MigrationSource(Machine, options).MigrateAsync(ChannelAddress.Parse(address)).WaitAsync(Limit);
    }

    public Task<MigrationResult> ReceiveAt(string address) => new MigrationDestination(Machine).ReceiveAsync(ChannelAddress.Parse(address)).WaitAsync(Limit);

    public bool Holds(byte value)
    {
        var page = new byte[1 << 20];
        for (long at = 0; at < Ram.UsedLength; at += page.Length)
        {
            Memory.Read(Ram, at, page);
            if (page.AsSpan().ContainsAnyExcept(value))
                return false;
        }
        return true;
    }

    public void Pause() => IsRunning = false;

    public void Resume() => IsRunning = true;

    public void Throttle(int percent)
    {
    }

    public void Dispose() => Memory.Dispose();
}
