using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.DirtyTracking;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Migration;

/// <summary>
/// Migrates a machine of a few pages within the process, once. What runs for the first time is compiled first: in a migration of some GB that is
/// lost among the rest, but at the switchover it is downtime, and most migrations are the first of their process.
/// </summary>
/// <remarks>
/// Sources and destinations begin it by themselves, beside what they wait for. Who knows earlier that there may be a migration begins it then.
/// It takes some 0.2 s of a processor, 4 MiB, and no guest. Code that was compiled ahead of time does without it.
/// </remarks>
public static class MigrationRehearsal
{
    private const int Pages = 1024;
    private const string MachineType = "rehearsal";

    private static readonly Lazy<Task> Once = new(Start);

    // The machine of the rehearsal is migrated by the same means as any other.
    [ThreadStatic]
    private static bool isRehearsing;

    /// <summary>Begins it, on a thread of its own, if nobody has. Any thread.</summary>
    /// <returns>Ends when it is over; does not fail.</returns>
    public static Task Begin() => isRehearsing ? Task.CompletedTask : Once.Value;

    private static Task Start() => !RuntimeFeature.IsDynamicCodeCompiled ? Task.CompletedTask : MigrationThread.Run("migration rehearsal", static () =>
    {
        try
        {
            Rehearse();
        }
        catch (Exception)
        {
            // Nobody waits for what it moves. What is wrong here shows where it matters, with somebody to tell.
        }
        return true;
    });

    /// <summary>The rehearsal itself, on this thread and those of its migration.</summary>
    internal static void Rehearse()
    {
        isRehearsing = true;
        try
        {
            using var here = new Vm();
            using var there = new Vm();
            here.Fill();
            var (from, to) = SocketChannel.CreatePair();
            var received = new MigrationDestination(there.Machine).ReceiveAsync(to);
            var sent = new MigrationSource(here.Machine, new MigrationSourceOptions { MaxBandwidth = 0 }).MigrateAsync(from);
            sent.GetAwaiter().GetResult();
            received.GetAwaiter().GetResult();
        }
        finally
        {
            isRehearsing = false;
        }
    }

    private sealed class Vm : IMachineLifecycle, IDisposable
    {
        private readonly GuestMemory memory = new();
        private readonly RamBlock ram;

        public Vm()
        {
            ram = memory.AddBlock("ram", Pages * (long)memory.PageSize);
            Machine = new Machine(MachineType, memory, this);
            if (PagemapTracker.IsSupported)
                Machine.Ram.Tracker = new PagemapTracker();
            Machine.Register(new Device());
        }

        public Machine Machine { get; }

        public bool IsRunning { get; private set; }

        /// <summary>Pages with contents, of zeros, and some that nobody has touched.</summary>
        public void Fill()
        {
            memory.Fill(ram, 0, ram.UsedLength / 2, 1);
            memory.Fill(ram, 0, ram.UsedLength / 4, 0);
            IsRunning = true;
        }

        /// <summary>The last thing that the guest does is to write.</summary>
        public void Pause()
        {
            memory.Fill(ram, 0, ram.UsedLength / 8, 2);
            IsRunning = false;
        }

        public void Resume() => IsRunning = true;

        public void Throttle(int percent)
        {
        }

        public void Dispose() => memory.Dispose();
    }

    private sealed class Device : IVmState
    {
        private readonly byte[] data = new byte[16];

        public VmStateType StateType { get; } = new(MachineType, 1, 1, 16) { IsSection = true };

        public ReadOnlySpan<byte> Schema => default;

        public bool IsNeeded => true;

        public void Save(ref VmStateWriter writer, int version) => writer.WriteBytes(data);

        public void Load(ref VmStateReader reader, int version) => reader.ReadBytes(data, "data"u8);

        public void Describe(ref VmDescriptionWriter writer, int version)
        {
            writer.BeginFields();
            writer.Field("data"u8, "buffer"u8, data.Length);
            writer.EndFields();
        }
    }
}
