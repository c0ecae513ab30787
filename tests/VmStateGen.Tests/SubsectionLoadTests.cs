namespace VmStateGen.Tests;

/// <summary>How subsections are recognised and read (qemu-migration.md §2.6).</summary>
public class SubsectionLoadTests
{
    private static readonly string Full = Wire.Subsection("nic/full", 2, "0002 0003 04");
    private static readonly string Kept = Wire.Subsection("nic/kept", 1, "0005");
    private static readonly string Mit = Wire.Subsection("nic/mit", 3, "00000006");
    private static readonly string Maybe = Wire.Subsection("nic/maybe", 1, "07");
    private static readonly string Old = Wire.Subsection("nic/old", 2, "deadbeef");

    [Fact]
    public void Every_subsection_is_loaded_and_needed_is_not_asked()
    {
        Nic loaded = Wire.Loaded<Nic>("00000001" + Full + Kept + Mit + Maybe);

        Assert.Equal((3, 4, 5, true), (loaded.Registers[1], loaded.Second, loaded.Kept, loaded.HasKept));
        Assert.Equal((6u, 7, 0), (loaded.Mit.Ide, loaded.Maybe!.Value, loaded.Resets));
    }

    [Fact]
    public void Any_order_is_accepted()
    {
        Nic loaded = Wire.Loaded<Nic>("00000001" + Maybe + Mit + Kept + Full);

        Assert.Equal((4, 5, 6u, 7), (loaded.Second, loaded.Kept, loaded.Mit.Ide, loaded.Maybe!.Value));
    }

    [Fact]
    public void Repetition_is_accepted_and_the_last_one_stays()
    {
        Nic loaded = Wire.Loaded<Nic>("00000001" + Kept + Wire.Subsection("nic/kept", 1, "0009"));

        Assert.Equal((9, true), (loaded.Kept, loaded.HasKept));
    }

    [Fact]
    public void An_absent_one_assigns_nothing_but_its_flag_and_calls_Absent()
    {
        var device = new Nic { Registers = [8, 8], Kept = 8, HasKept = true, Mit = { Ide = 8 }, Maybe = new Maybe() };

        VmState.Load(device, Wire.Bytes("00000001"));

        Assert.Equal((1, 0xff, 8), (device.Resets, device.Second, device.Registers[0]));
        Assert.Equal((8, false, 8u), (device.Kept, device.HasKept, device.Mit.Ide));
        Assert.Null(device.Maybe);
    }

    [Fact]
    public void An_older_version_of_it_lacks_what_is_newer()
    {
        Nic loaded = Wire.Loaded(new Nic { Second = 9 }, "00000001" + Wire.Subsection("nic/full", 1, "0002 0003"));

        Assert.Equal((3, 9, 0), (loaded.Registers[1], loaded.Second, loaded.Resets));
    }

    [Theory]
    [InlineData(0, "version 0 (support for it was dropped)")]
    [InlineData(3, "version 3 (a newer release wrote it)")]
    public void Another_version_of_it_is_an_error(int version, string found)
    {
        VmStateException e = Wire.Rejects(new Nic(), "00000001" + Wire.Subsection("nic/full", version, "0002 0003 04"));

        Assert.Equal(("nic/full", "a version from 1 to 2", found), (e.FieldPath, e.Expected, e.Found));
        Assert.Equal("nic/mit", Wire.Rejects(new Nic(), "00000001" + Wire.Subsection("nic/mit", 4, "00000006")).FieldPath);
    }

    [Fact]
    public void A_negative_version_is_an_error_where_it_stands()
    {
        VmStateException e = Wire.Rejects(new Nic(), "00000001 05 08 6e69632f66756c6c ffffffff");

        Assert.Equal(("-1", 14L), (e.Found, e.Offset));
    }

    [Fact]
    public void A_missing_object_whose_subsection_arrives_is_made()
    {
        Nic loaded = Wire.Loaded(new Nic { Mit = null! }, "00000001" + Mit);

        Assert.Equal(6u, loaded.Mit.Ide);
    }

    [Fact]
    public void Subsections_of_a_subsection_belong_to_it()
    {
        Nic loaded = Wire.Loaded<Nic>("00000001" + Maybe + Wire.Subsection("nic/maybe/deep", 1, "0a") + Kept);

        Assert.Equal((10, true, true), (loaded.Maybe!.Deep, loaded.Maybe.HasDeep, loaded.HasKept));
    }

    [Fact]
    public void A_subsections_subsection_that_stands_elsewhere_is_unknown() =>
        Assert.StartsWith("\"nic/maybe/deep\" version 1", Wire.Rejects(new Nic(), "00000001" + Wire.Subsection("nic/maybe/deep", 1, "0a")).Found);

    [Fact]
    public void A_removed_one_is_read_and_thrown_away_and_never_written()
    {
        Nic loaded = Wire.Loaded<Nic>("00000001" + Old + Kept + Old);

        Wire.AssertSaves("00000001" + Kept, loaded);
        Assert.Equal("nic/old › ignored", Wire.Rejects(new Nic(), "00000001" + Old.TrimEnd()[..^4]).FieldPath);
    }

    [Theory]
    [InlineData("nic/unknown")]
    [InlineData("nic/kept2")]
    [InlineData("nic-without-slash")]
    public void An_unknown_one_with_the_parents_prefix_is_an_error(string name)
    {
        VmStateException e = Wire.Rejects(new Nic(), "00000001" + Wire.Subsection(name, 4));

        Assert.Equal($"nic: expected a subsection that this type declares, found \"{name}\" version 4 (a newer release wrote it) at offset 0x4", e.Message);
    }

    [Fact]
    public void State_without_subsections_refuses_one_with_its_prefix() =>
        Assert.Equal("\"flag/new\" version 1 (a newer release wrote it)", Wire.Rejects(new Flag(), "01" + Wire.Subsection("flag/new", 1)).Found);

    [Theory]
    [InlineData("e1000/mit")]
    [InlineData("nic")]
    [InlineData("ni")]
    [InlineData("NIC/full")]
    public void What_has_another_prefix_or_is_no_longer_than_it_is_not_consumed(string name)
    {
        byte[] bytes = Wire.Bytes("00000001" + Wire.Subsection(name, 1, "00"));
        var reader = new VmStateReader(bytes);

        ((IVmState)new Nic()).Load(ref reader, 1);

        Assert.Equal(4, reader.Offset);
    }

    [Theory]
    [InlineData("05")]
    [InlineData("0504")]
    [InlineData("05086e69632f66756c")]
    [InlineData("05ff6e69632f66756c6c00000001")]
    public void What_ends_within_the_name_is_no_subsection(string rest)
    {
        byte[] bytes = Wire.Bytes("00000001" + rest);
        var reader = new VmStateReader(bytes);

        ((IVmState)new Nic()).Load(ref reader, 1);

        Assert.Equal(4, reader.Offset);
    }

    [Fact]
    public void What_ends_within_the_version_is_an_error_at_the_end()
    {
        VmStateException e = Wire.Rejects(new Nic(), "00000001 05 08 6e69632f66756c6c 0000");

        Assert.Equal("nic: expected the version of a subsection, found the end of the stream at offset 0x10", e.Message);
    }

    [Fact]
    public void A_data_byte_5_behind_nested_state_is_data_unless_a_matching_name_follows()
    {
        BetweenData loaded = Wire.Loaded<BetweenData>("07 05 0d 00");
        Assert.Equal((7, 0x050d, 0), (loaded.Inner.Value, loaded.Data, loaded.More));

        loaded = Wire.Loaded<BetweenData>("07" + Wire.Subsection("nic/maybe/deep", 1, "0a") + "05 0d 00");
        Assert.Equal((10, 0x050d), (loaded.Inner.Deep, loaded.Data));
    }

    [Fact]
    public void Subsections_in_the_middle_of_a_parent_belong_to_the_nested_state_before_it()
    {
        var device = new BetweenData { Inner = { Value = 1, Deep = 2, HasDeep = true }, Data = 3, More = 4 };

        Wire.AssertSaves("01" + Wire.Subsection("nic/maybe/deep", 1, "02") + "0003 04", device);
    }
}

[VmState]
internal sealed partial class BetweenData
{
    [Field] public Maybe Inner = new();
    [Field] public ushort Data;
    [Field] public byte More;
}
