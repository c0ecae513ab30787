using System;

namespace VmStateGen.Tests;

/// <summary>One value of every type that has an encoding: big-endian, without tags (qemu-migration.md §2.5).</summary>
public class ScalarTests
{
    private const string Primitives = "01 00 82 0200 00011170 0000000000b8f47c 41 bf 0200 fe00 00011170 fffeee90 0000000000b8f47c ffffffffff470b84";

    /// <summary>The golden bytes of §8.1, simple/primitive, in the same order of types.</summary>
    [Fact]
    public void Primitives_have_the_bytes_that_QEMU_gives_them()
    {
        const string Golden = "01 00 41 bf 0200 fe00 00011170 fffeee90 0000000000b8f47c ffffffffff470b84 82 0200 00011170 0000000000b8f47c";
        var device = new Primitive
        {
            Yes = true, No = false, I8 = 65, I8Negative = -65, I16 = 512, I16Negative = -512, I32 = 70000, I32Negative = -70000,
            I64 = 12121212, I64Negative = -12121212, U8 = 130, U16 = 512, U32 = 70000, U64 = 12121212,
        };

        Wire.AssertSaves(Golden, device);

        Primitive loaded = Wire.LoadedWholeOnly<Primitive>(Golden);
        Wire.AssertSaves(Golden, loaded);
        Assert.Equal((-65, -512, -70000, -12121212L), (loaded.I8Negative, loaded.I16Negative, loaded.I32Negative, loaded.I64Negative));
    }

    [Fact]
    public void The_order_is_that_of_the_declaration() => Wire.AssertSaves(Primitives, Wire.LoadedWholeOnly<PrimitiveInQemusOrder>(Primitives));

    [Theory]
    [InlineData("00", false)]
    [InlineData("01", true)]
    [InlineData("02", true)]
    [InlineData("ff", true)]
    public void Any_byte_but_zero_is_true(string hex, bool expected)
    {
        Flag loaded = Wire.Loaded<Flag>(hex);

        Assert.Equal(expected, loaded.Value);
        Wire.AssertSaves(expected ? "01" : "00", loaded);
    }

    [Fact]
    public void Wide_numbers_GUIDs_timers_and_floating_point_are_big_endian_too()
    {
        const string Golden = """
            0102030405060708090a0b0c0d0e0f10 fffffffffffffffffffffffffffffffe 00112233445566778899aabbccddeeff
            0000000000000400 ffffffffffffffff 3fc00000 c004000000000000
            """;
        var device = new Wide
        {
            Unsigned = new UInt128(0x0102030405060708, 0x090a0b0c0d0e0f10), Signed = -2, Identity = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"),
            Armed = new VmTimer(1024), Unarmed = VmTimer.Unarmed, Single = 1.5f, Double = -2.5,
        };

        Wire.AssertSaves(Golden.ReplaceLineEndings(" "), device);

        Wide loaded = Wire.LoadedWholeOnly<Wide>(Golden.ReplaceLineEndings(" "));
        Assert.Equal((device.Unsigned, device.Signed, device.Identity), (loaded.Unsigned, loaded.Signed, loaded.Identity));
        Assert.Equal((device.Armed, device.Unarmed, 1.5f, -2.5), (loaded.Armed, loaded.Unarmed, loaded.Single, loaded.Double));
        Assert.True(loaded.Armed.IsArmed);
        Assert.False(loaded.Unarmed.IsArmed);
    }

    [Theory]
    [InlineData("7fc00001 7ff8000000000001")]
    [InlineData("ffc00000 fff4000000000001")]
    [InlineData("80000000 8000000000000000")]
    public void Floating_point_keeps_its_raw_bits(string hex) => Wire.AssertSaves(hex, Wire.Loaded<Floats>(hex));

    [Fact]
    public void An_enum_has_the_encoding_of_its_underlying_type_and_keeps_values_without_a_name()
    {
        const string Golden = "fe 0007 ffffffffffffffff";

        Enums loaded = Wire.LoadedWholeOnly<Enums>(Golden);

        Assert.Equal((Small.MinusTwo, Medium.Seven, Large.Max), (loaded.Small, loaded.Medium, loaded.Large));
        Wire.AssertSaves(Golden, loaded);
        Assert.Equal((Medium)0x1234, Wire.Loaded<Enums>("00 1234 0000000000000000").Medium);
    }

    [Fact]
    public void A_byte_too_many_is_an_error_that_says_where()
    {
        VmStateException e = Wire.Rejects(new Flag(), "01 00");

        Assert.Equal("flag: expected the end of the state, found more bytes at offset 0x1", e.Message);
    }

    [Fact]
    public void The_type_says_its_name_versions_and_size()
    {
        VmStateType type = ((IVmState)new Primitive()).StateType;

        Assert.Equal(("test/primitive", 1, 1, 47L), (type.Name, type.Version, type.MinimumVersion, type.MaxSize));
        Assert.True(type.IsSection);
        Assert.Same(type, ((IVmState)new Primitive()).StateType);
        Assert.False(((IVmState)new Flag()).StateType.IsSection);
    }
}

[VmState("test/primitive")]
internal sealed partial class Primitive
{
    [Field] public bool Yes;
    [Field] public bool No;
    [Field] public sbyte I8;
    [Field] public sbyte I8Negative;
    [Field] public short I16;
    [Field] public short I16Negative;
    [Field] public int I32;
    [Field] public int I32Negative;
    [Field] public long I64;
    [Field] public long I64Negative;
    [Field] public byte U8 { get; set; }
    [Field] public ushort U16 { get; set; }
    [Field] public uint U32 { get; set; }
    [Field] public ulong U64 { get; set; }
}

[VmState("test/primitive order")]
internal sealed partial class PrimitiveInQemusOrder
{
    [Field] private bool yes;
    [Field] private bool no;
    [Field] private byte u8;
    [Field] private ushort u16;
    [Field] private uint u32;
    [Field] private ulong u64;
    [Field] private sbyte i8;
    [Field] private sbyte i8Negative;
    [Field] private short i16;
    [Field] private short i16Negative;
    [Field] private int i32;
    [Field] private int i32Negative;
    [Field] private long i64;
    [Field] private long i64Negative;
}

[VmState]
internal sealed partial class Flag
{
    [Field] public bool Value;
}

[VmState("wide")]
internal sealed partial class Wide
{
    [Field] public UInt128 Unsigned;
    [Field] public Int128 Signed;
    [Field] public Guid Identity;
    [Field] public VmTimer Armed;
    [Field] public VmTimer Unarmed { get; set; }
    [Field] public float Single;
    [Field] public double Double;
}

[VmState]
internal sealed partial class Floats
{
    [Field] private float single;
    [Field] private double @double;
}

internal enum Small : sbyte
{
    MinusTwo = -2,
}

internal enum Medium : ushort
{
    Seven = 7,
}

internal enum Large : ulong
{
    Max = ulong.MaxValue,
}

[VmState]
internal sealed partial class Enums
{
    [Field] public Small Small;
    [Field] public Medium Medium { get; set; }
    [Field] public Large Large;
}
