using System;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;

namespace VmStateGen.Tests;

/// <summary>What holds for every state and every input.</summary>
public class PropertyTests
{
    [Fact]
    public void Every_state_survives_a_round_trip() => Prop.ForAll<int>(seed =>
    {
        byte[] saved = Wire.Saved(Everything.Filled(seed));
        var loaded = new Everything();
        VmState.Load(loaded, saved);
        byte[] text = Wire.Saved(Allocating.Filled(seed));
        var loadedText = new Allocating();
        VmState.Load(loadedText, text);
        return Wire.Saved(loaded).AsSpan().SequenceEqual(saved) && Wire.Saved(loadedText).AsSpan().SequenceEqual(text);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_state_is_loaded_over_any_other() => Prop.ForAll<int, int>((seed, before) =>
    {
        byte[] saved = Wire.Saved(Everything.Filled(seed));
        Everything loaded = Everything.Filled(before).AcceptingEveryLimit();
        VmState.Load(loaded, saved);
        return Wire.Saved(loaded).AsSpan().SequenceEqual(saved);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_state_is_larger_than_MaxSize() => Prop.ForAll<int>(seed =>
        Wire.Saved(Everything.Filled(seed)).Length <= VmState.MaxSize(new Everything())
        && Wire.Saved(Allocating.Filled(seed)).Length <= VmState.MaxSize(new Allocating())).QuickCheckThrowOnFailure();

    [Fact]
    public void The_largest_state_is_as_large_as_MaxSize()
    {
        var device = new Nic { HasKept = true, FullNeeded = true, MitNeeded = true, Maybe = new Maybe { HasDeep = true } };

        Assert.Equal(VmState.MaxSize(device), Wire.Saved(device).Length);
        Assert.Equal(VmState.MaxSize(new Counted()), Wire.Saved(new Counted { Used = 4, Values = new int[4] }).Length);
    }

    [Fact]
    public void State_of_any_version_can_be_loaded_at_that_version() => Prop.ForAll(Gen.Choose(1, 3).ToArbitrary(), ArbMap.Default.ArbFor<int>(), (version, seed) =>
    {
        byte[] saved = Wire.SavedAt(Everything.Filled(seed), version);
        var loaded = new Everything();
        VmState.Load(loaded, saved, version);
        return Wire.SavedAt(loaded, version).AsSpan().SequenceEqual(saved);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Random_bytes_load_or_are_a_VmStateException() => Prop.ForAll<byte[], int>((bytes, version) =>
        LoadsOrRefuses(new Everything(), bytes, version) && LoadsOrRefuses(new Nic(), bytes, 1) && LoadsOrRefuses(new Counted(), bytes, 1)
        && LoadsOrRefuses(new HugeCount(), bytes, 1) && LoadsOrRefuses(new CodecDevice(), bytes, 1)
        && LoadsOrRefuses(new Allocating(), bytes, 1)).QuickCheckThrowOnFailure();

    [Fact]
    public void Damaged_state_loads_or_is_a_VmStateException_within_the_bytes() =>
        Prop.ForAll<int, int, byte>((seed, place, value) =>
        {
            byte[] saved = Wire.Saved(Everything.Filled(seed));
            saved[(int)((uint)place % saved.Length)] = value;
            byte[] text = Wire.Saved(Allocating.Filled(seed));
            text[(int)((uint)place % text.Length)] = value;
            byte[] cut = saved[..(int)((uint)(place * 31) % (saved.Length + 1))];
            return LoadsOrRefuses(new Everything(), saved, 3) && LoadsOrRefuses(new Everything(), cut, 3) && LoadsOrRefuses(new Allocating(), text, 1);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    private static bool LoadsOrRefuses(IVmState device, byte[] bytes, int version)
    {
        try
        {
            VmState.Load(device, bytes, version);
            return true;
        }
        catch (VmStateException e)
        {
            return e.Message.Length > 0 && e.Offset >= 0 && e.Offset <= bytes.Length;
        }
    }
}
