namespace VmStateGen.Tests;

/// <summary>Which fields a stream of a version has, on load and on save (qemu-migration.md §2.2, §2.3).</summary>
public class VersionTests
{
    /// <summary>§8.1, versioned/load/v1: fields of version 2 keep what they held.</summary>
    [Fact]
    public void A_field_that_an_old_stream_lacks_keeps_its_value()
    {
        var device = new Versioned { B = 200, E = 500 };

        VmState.Load(device, Wire.Bytes("0000000a 0000001e"), version: 1);

        Assert.Equal((10u, 200u, 30u), (device.A, device.B, device.C));
        Assert.Equal(500UL, device.E);
    }

    /// <summary>§8.1, versioned/load/v2.</summary>
    [Fact]
    public void A_stream_of_the_current_version_has_every_field()
    {
        const string Golden = "0000000a 00000014 0000001e 0000000000000032";

        Versioned loaded = Wire.LoadedWholeOnly<Versioned>(Golden);

        Assert.Equal((10u, 20u, 30u, 50UL), (loaded.A, loaded.B, loaded.C, loaded.E));
        Wire.AssertSaves(Golden, loaded);
    }

    [Theory]
    [InlineData(0, "a version from 1 to 2", "version 0 (support for it was dropped)")]
    [InlineData(3, "a version from 1 to 2", "version 3 (a newer release wrote it)")]
    [InlineData(-1, "a version from 1 to 2", "version -1 (support for it was dropped)")]
    public void Another_version_is_an_error_before_anything_is_read(int version, string expected, string found)
    {
        var device = new Versioned { A = 1 };

        VmStateException e = Wire.Rejects(device, "0000000a 00000014 0000001e 0000000000000032", version);

        Assert.Equal((expected, found, 0L, 1u), (e.Expected, e.Found, e.Offset, device.A));
    }

    [Fact]
    public void A_field_is_gone_after_its_last_version()
    {
        Assert.Equal((1, 2, 0, 0), Fields(Wire.Loaded<Spans>("01 02", version: 1)));
        Assert.Equal((1, 2, 3, 0), Fields(Wire.Loaded<Spans>("01 02 03", version: 2)));
        Assert.Equal((1, 0, 3, 0), Fields(Wire.Loaded<Spans>("01 03", version: 3)));
        Assert.Equal((1, 0, 3, 4), Fields(Wire.Loaded<Spans>("01 03 04", version: 4)));
        Assert.Equal((1, 0, 3, 4), Fields(Wire.Loaded<Spans>("01 03 04", version: 5)));

        static (int, int, int, int) Fields(Spans device) => (device.Always, device.UntilTwo, device.SinceTwo, device.SinceFour);
    }

    [Theory]
    [InlineData(1, "01 02")]
    [InlineData(2, "01 02 03")]
    [InlineData(3, "01 03")]
    [InlineData(4, "01 03 04")]
    [InlineData(5, "01 03 04")]
    public void State_can_be_saved_at_every_version_that_is_loaded(int version, string expected) =>
        Wire.AssertBytes(expected, Wire.SavedAt(new Spans { Always = 1, UntilTwo = 2, SinceTwo = 3, SinceFour = 4 }, version));

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    public void No_other_version_can_be_saved(int version) =>
        Assert.Equal("a version from 1 to 5", Assert.Throws<VmStateException>(() => Wire.SavedAt(new Spans(), version)).Expected);

    [Fact]
    public void A_default_is_assigned_where_the_stream_has_no_such_field()
    {
        var device = new Defaults { Number = 1, Flag = false, Mode = Small.MinusTwo, Ratio = 9 };

        VmState.Load(device, Wire.Bytes("07"), version: 1);

        Assert.Equal((-5, true, Small.MinusTwo, 1.5), (device.Number, device.Flag, device.Mode, device.Ratio));
        Assert.Equal((ulong.MaxValue, uint.MaxValue, 'x'), (device.Large, device.Unsigned, device.Letter));
        Assert.Equal(float.NegativeInfinity, device.Infinite);
        Assert.True(double.IsNaN(device.NotANumber));
    }

    [Fact]
    public void A_default_is_not_assigned_where_the_field_came()
    {
        Defaults loaded = Wire.Loaded<Defaults>("07 00000009 00 00 4000000000000000 0000000000000001 00000002 0003 00000000 0000000000000000");

        Assert.Equal((9, false, 2.0, 1UL), (loaded.Number, loaded.Flag, loaded.Ratio, loaded.Large));
    }

    /// <summary>§8.1, field_exists: the predicate alone decides, whatever the version.</summary>
    [Theory]
    [InlineData(false, "0000000a 00000014 0000001e 0000000000000032 00000028")]
    [InlineData(true, "0000000a 0000001e 0000000000000032")]
    public void A_predicate_decides_on_save_and_on_load(bool skip, string golden)
    {
        var device = new Conditional { Skip = skip, A = 10, B = 20, C = 30, E = 50, D = 40 };

        Wire.AssertSaves(golden, device);

        Conditional loaded = Wire.Loaded(new Conditional { Skip = skip, B = 200, D = 400 }, golden);
        Assert.Equal((10u, 30u, 50UL), (loaded.A, loaded.C, loaded.E));
        Assert.Equal(skip ? (200u, 400u) : (20u, 40u), (loaded.B, loaded.D));
    }

    [Fact]
    public void A_predicate_may_be_a_field_loaded_before_and_may_ask_for_the_version()
    {
        const string Golden = "01 000000aa 02";
        WhenField loaded = Wire.LoadedWholeOnly<WhenField>(Golden);

        Wire.AssertSaves(Golden, loaded);
        Assert.Equal(0xaau, loaded.Flash);
        Wire.AssertSaves("00 02", Wire.Loaded<WhenField>("00 02"));
        Wire.AssertSaves("00 02", Wire.Loaded<WhenField>("00 99 02", version: 0));
        Wire.AssertBytes("00 99 02", Wire.SavedAt(Wire.Loaded<WhenField>("00 99 02", version: 0), 0));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(7, 1)]
    public void Without_a_minimum_every_version_from_one_is_loaded(int version, int minimum)
    {
        VmStateType type = version switch
        {
            0 => ((IVmState)new VersionZero()).StateType,
            1 => ((IVmState)new Flag()).StateType,
            _ => ((IVmState)new VersionSeven()).StateType,
        };

        Assert.Equal((version, minimum), (type.Version, type.MinimumVersion));
    }
}

[VmState("test/versioned", Version = 2, MinimumVersion = 1)]
internal sealed partial class Versioned
{
    [Field] public uint A;
    [Field(Version = 2)] public uint B;
    [Field] public uint C;
    [Field(Version = 2)] public ulong E;
}

[VmState(Version = 5)]
internal sealed partial class Spans
{
    [Field] public byte Always;
    [Field(Until = 2)] public byte UntilTwo;
    [Field(Version = 2)] public byte SinceTwo;
    [Field(Version = 4)] public byte SinceFour;
}

[VmState(Version = 2)]
internal sealed partial class Defaults
{
    [Field] public byte Always;
    [Field(Version = 2, Default = -5)] public int Number;
    [Field(Version = 2, Default = true)] public bool Flag;
    [Field(Version = 2, Default = Small.MinusTwo)] public Small Mode;
    [Field(Version = 2, Default = 1.5)] public double Ratio;
    [Field(Version = 2, Default = ulong.MaxValue)] public ulong Large;
    [Field(Version = 2, Default = uint.MaxValue)] public uint Unsigned { get; set; }
    [Field(Version = 2, Default = 'x')] public ushort Letter;
    [Field(Version = 2, Default = float.NegativeInfinity)] public float Infinite;
    [Field(Version = 2, Default = double.NaN)] public double NotANumber;
}

[VmState("test/conditional")]
internal sealed partial class Conditional
{
    [Field] public uint A;
    [Field(When = nameof(IsThere))] public uint B;
    [Field] public uint C;
    [Field] public ulong E;
    [Field(When = nameof(IsThere))] public uint D;
    [Ignore("configuration")] public bool Skip;

    private bool IsThere() => !Skip;
}

[VmState(Version = 1, MinimumVersion = 0)]
internal sealed partial class WhenField
{
    [Field] private bool hasFlash;
    [Field(When = nameof(hasFlash))] public uint Flash;
    [Field(When = nameof(IsOld))] private byte old;
    [Field] private byte last;

    private bool IsOld(int version) => version < 1;
}

[VmState(Version = 0)]
internal sealed partial class VersionZero
{
    [Field] private byte value;
}

[VmState(Version = 7)]
internal sealed partial class VersionSeven
{
    [Field] private byte value;
}
