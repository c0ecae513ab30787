using VmStateGen.Tests.Library;

namespace VmStateGen.Tests;

/// <summary>State types of another assembly, known by the schema that they carry.</summary>
public class LibraryTests
{
    private const string Golden = "00000007 01 0001 0002 0003 0004 09 0005 0006 0007 0008 ff";
    private const string WithDetails = "00000007 01 0001 0002 0003 0004 09 0005 0006 0007 0008 05 0c 706172742f64657461696c73 00000001 0a ff";

    [Fact]
    public void Nested_state_of_another_assembly_stands_inline_at_its_version()
    {
        User loaded = Wire.LoadedWholeOnly<User>(Golden);

        Assert.Equal(7u, loaded.Id);
        Assert.Equal((1, 2), loaded.Single.Position);
        Assert.Equal((3, 4), loaded.Points[0].Position);
        Assert.Equal((7, 8), loaded.Part.Corners[1].Position);
        Assert.Equal(PartMode.On, loaded.Part.Mode);
        Wire.AssertSaves(Golden, loaded);
    }

    [Fact]
    public void It_may_have_subsections()
    {
        User loaded = Wire.LoadedWholeOnly<User>(WithDetails);

        Assert.Equal(10, loaded.Part.Details!.Detail);
        Wire.AssertSaves(WithDetails, loaded);
        Assert.Equal(Wire.Bytes(WithDetails).Length, VmState.MaxSize(loaded));
    }

    [Fact]
    public void A_use_site_may_fix_its_version() => Wire.AssertSaves("0001", Wire.Loaded<OldUser>("0001"));

    [Fact]
    public void Its_fields_are_named_in_errors()
    {
        Assert.Equal("user › part › corners[1] › y: expected 2 bytes, found the end of the stream after 1 at offset 0x15",
            Wire.Rejects(new User(), Golden[..^5]).Message);
        Assert.Equal("single › x", Wire.Rejects(new User(), "00000007 01 00").FieldPath);
    }
}

[VmState("user")]
internal sealed partial class User : DeviceBase
{
    [Field] private bool flag;
    [Field] public Library.Point Single;
    [Field(Length = 1)] public Library.Point[] Points = new Library.Point[1];
    [Field] public Part Part = new();
    [Field] private byte last;
}

[VmState]
internal sealed partial class OldUser
{
    [Field(StructVersion = 1)] private Library.Point point;
}
