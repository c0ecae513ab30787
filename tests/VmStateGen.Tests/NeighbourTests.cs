using System;

namespace VmStateGen.Tests;

/// <summary>
/// Neighbouring numbers go in one store or load, which may reach over the next field, never over the end (docs/performance.md): the bytes are
/// those of one field after the other.
/// </summary>
public class NeighbourTests
{
    private const byte Canary = 0xcc;

    [Fact]
    public void Negative_numbers_leave_those_before_them_alone()
    {
        const string Golden = "01 ff fffe 80000000 00 81 8001 7fffffff ffffffffffffffff fd";
        var device = new SignedNeighbours
        {
            Yes = true, MinusOne = -1, MinusTwo = -2, Least = int.MinValue, No = false, Small = -127, Medium = -32767, Most = int.MaxValue, Wide = -1, Last = -3,
        };

        Wire.AssertSaves(Golden, device);

        SignedNeighbours loaded = Wire.LoadedWholeOnly<SignedNeighbours>(Golden);
        Assert.Equal((true, (sbyte)-1, (short)-2, int.MinValue, false), (loaded.Yes, loaded.MinusOne, loaded.MinusTwo, loaded.Least, loaded.No));
        Assert.Equal(((sbyte)-127, (short)-32767, int.MaxValue, -1L, (sbyte)-3), (loaded.Small, loaded.Medium, loaded.Most, loaded.Wide, loaded.Last));
    }

    [Fact]
    public void A_word_ends_with_its_state()
    {
        AssertFits(new Ends3 { A = 1, B = 0x0203 }, "01 0203");
        AssertFits(new Ends5 { A = 0x01020304, B = 5 }, "01020304 05");
        AssertFits(new Ends6 { A = 1, B = 2, C = 0x03040506 }, "01 02 03040506");
        AssertFits(new Ends7 { A = 0x01020304, B = 5, C = 0x0607 }, "01020304 05 0607");
        AssertFits(new Ends11 { A = 1, B = 0x0203, C = 0x04050607, D = 8, E = 0x090a, F = 11 }, "01 0203 04050607 08 090a 0b");
    }

    [Fact]
    public void What_follows_a_word_is_written_after_it()
    {
        const string Golden = "01 02 aabbcc 03 000000 04 05 0000000600000007 08";
        var device = new Mixed { A = 1, B = 2, Bytes = [0xaa, 0xbb, 0xcc], C = 3, D = 4, E = 5, Words = [6, 7], F = 8 };

        AssertFits(device, Golden);

        Mixed loaded = Wire.LoadedWholeOnly<Mixed>(Golden);
        Wire.AssertSaves(Golden, loaded);
        Assert.Equal((1, 2, 3, 4, 5, 8), (loaded.A, loaded.B, loaded.C, loaded.D, loaded.E, loaded.F));
    }

    [Fact]
    public void Parts_of_a_run_keep_to_their_place()
    {
        const string Golden = "01 020304 05 020304 060708 ff";
        var device = new Parts { A = 1, One = new Ends3 { A = 2, B = 0x0304 }, B = 5, Two = [new Ends3 { A = 2, B = 0x0304 }, new Ends3 { A = 6, B = 0x0708 }], C = 255 };

        AssertFits(device, Golden);

        Parts loaded = Wire.LoadedWholeOnly<Parts>(Golden);
        Wire.AssertSaves(Golden, loaded);
        Assert.Equal((0x0304, 0x0708), (loaded.One.B, loaded.Two[1].B));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public void A_number_outside_its_run_is_refused(int offset)
    {
        byte[] run = new byte[2];

        Assert.Throws<ArgumentOutOfRangeException>(() => BigEndian.WriteUInt16(run, offset, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BigEndian.WriteUInt32(run, offset, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BigEndian.WriteUInt64(run, offset, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BigEndian.ReadUInt16(run, offset));
        Assert.Throws<ArgumentOutOfRangeException>(() => BigEndian.ReadUInt32(run, offset));
        Assert.Throws<ArgumentOutOfRangeException>(() => BigEndian.ReadUInt64(run, offset));
        Assert.Equal(new byte[2], run);
    }

    [Fact]
    public void Neighbours_are_checked_one_by_one()
    {
        Assert.Equal("b", Wire.Rejects(new Checked { B = 2 }, "01 03 0004").FieldPath);
        Wire.AssertSaves("01 02 0004", Wire.Loaded(new Checked { B = 2 }, "01 02 0004"));
        Assert.Equal("c", Wire.RejectsSaving(new Checked { A = 1, B = 2, C = 65536 }).FieldPath);
    }

    /// <summary>Into a window of exactly its size, with something else right behind it.</summary>
    private static void AssertFits(IVmState device, string golden)
    {
        byte[] bytes = Wire.Bytes(golden);
        byte[] window = new byte[bytes.Length + 8];
        window.AsSpan().Fill(Canary);

        Assert.Equal(bytes.Length, VmState.Save(device, window.AsSpan(0, bytes.Length)));

        Wire.AssertBytes(golden, window.AsSpan(0, bytes.Length));
        Assert.All(window[bytes.Length..], value => Assert.Equal(Canary, value));
    }
}

[VmState]
internal sealed partial class SignedNeighbours
{
    [Field] public bool Yes;
    [Field] public sbyte MinusOne;
    [Field] public short MinusTwo;
    [Field] public int Least;
    [Field] public bool No;
    [Field] public sbyte Small;
    [Field] public short Medium;
    [Field] public int Most;
    [Field] public long Wide;
    [Field] public sbyte Last;
}

[VmState]
internal partial struct Ends3
{
    [Field] public byte A;
    [Field] public ushort B;
}

[VmState]
internal sealed partial class Ends5
{
    [Field] public uint A;
    [Field] public byte B;
}

[VmState]
internal sealed partial class Ends6
{
    [Field] public byte A;
    [Field] public byte B;
    [Field] public uint C;
}

[VmState]
internal sealed partial class Ends7
{
    [Field] public uint A;
    [Field] public byte B;
    [Field] public ushort C;
}

[VmState]
internal sealed partial class Ends11
{
    [Field] public byte A;
    [Field] public ushort B;
    [Field] public uint C;
    [Field] public byte D;
    [Field] public ushort E;
    [Field] public byte F;
}

[VmState]
internal sealed partial class Mixed
{
    [Field] public byte A;
    [Field] public byte B;
    [Field(Length = 3)] public byte[] Bytes = new byte[3];
    [Field] public byte C;
    [Removed("gone", 3)] [Field] public byte D;
    [Field] public byte E;
    [Field(Length = 2)] public uint[] Words = new uint[2];
    [Field] public byte F;
}

[VmState]
internal sealed partial class Parts
{
    [Field] public byte A;
    [Field] public Ends3 One;
    [Field] public byte B;
    [Field(Length = 2)] public Ends3[] Two = new Ends3[2];
    [Field] public byte C;
}

[VmState]
internal sealed partial class Checked
{
    [Field] public byte A;
    [Field(Expect = Expect.Equal)] public byte B;
    [Field(As = WireType.U16)] public int C;
}
