using System;
using System.Runtime;
using System.Runtime.CompilerServices;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>What would be compiled while the guest stands still is compiled before, and nothing of it is run for that.</summary>
public sealed class DeviceCodeTests
{
    [Fact]
    public void The_code_of_a_device_is_there_before_it_is_saved()
    {
        using var vm = new BareVm();
        var card = new PreparedCard();
        vm.Machine.Register(card);

        // What is compiled once for any device.
        Compiled(new RawDevice("before") { Data = [1] });
        DeviceCode.Prepare(vm.Machine, isSaving: true);
        Assert.Equal(0, card.Saved);
        var prepared = Compiled(card);
        var unprepared = Compiled(new UnpreparedCard());
        Assert.Equal(1, card.Saved);

        // Of each the method that is called by others, and two that it calls.
        Assert.True(prepared < unprepared, $"{prepared} methods were compiled for a device that was prepared, {unprepared} for one like it");
    }

    [Fact]
    public void It_is_prepared_again_and_for_the_other_end_without_harm()
    {
        using var vm = new BareVm();
        var card = new PreparedCard();
        vm.Machine.Register(card);
        vm.Machine.Register(new RawDevice("raw"));
        for (var i = 0; i < 2; i++)
        {
            DeviceCode.Prepare(vm.Machine, isSaving: true);
            DeviceCode.Prepare(vm.Machine, isSaving: false);
        }
        Assert.Equal(0, card.Saved);
    }

    private static void Save(IVmState device)
    {
        var writer = new VmStateWriter(new byte[16]);
        device.Save(ref writer, 1);
    }

    private static long Compiled(IVmState device)
    {
        var before = JitInfo.GetCompiledMethodCount(currentThread: true);
        Save(device);
        return JitInfo.GetCompiledMethodCount(currentThread: true) - before;
    }

    private sealed class PreparedCard : IVmState
    {
        public int Saved { get; private set; }

        public VmStateType StateType { get; } = new("prepared", 1, 1, 1) { IsSection = true };

        public ReadOnlySpan<byte> Schema => default;

        public bool IsNeeded => true;

        public void Save(ref VmStateWriter writer, int version) => SaveMore(ref writer);

        public void Load(ref VmStateReader reader, int version)
        {
        }

        public void Describe(ref VmDescriptionWriter writer, int version)
        {
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void SaveMore(ref VmStateWriter writer)
        {
            writer.WriteByte((byte)Saved);
            Count();
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void Count() => Saved++;
    }

    private sealed class UnpreparedCard : IVmState
    {
        private int saved;

        public VmStateType StateType { get; } = new("unprepared", 1, 1, 1) { IsSection = true };

        public ReadOnlySpan<byte> Schema => default;

        public bool IsNeeded => true;

        public void Save(ref VmStateWriter writer, int version) => SaveMore(ref writer);

        public void Load(ref VmStateReader reader, int version)
        {
        }

        public void Describe(ref VmDescriptionWriter writer, int version)
        {
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void SaveMore(ref VmStateWriter writer)
        {
            writer.WriteByte((byte)saved);
            Count();
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void Count() => saved++;
    }
}
