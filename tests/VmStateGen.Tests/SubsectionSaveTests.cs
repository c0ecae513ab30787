namespace VmStateGen.Tests;

/// <summary>Which subsections are written, and how (qemu-migration.md §1.4, §2.6).</summary>
public class SubsectionSaveTests
{
    [Fact]
    public void A_subsection_is_a_marker_a_counted_name_a_version_and_its_fields_in_written_order()
    {
        var device = new Nic { First = 1, Registers = [2, 3], Second = 4, Kept = 5, HasKept = true, FullNeeded = true, Mit = { Ide = 6 }, MitNeeded = true, Maybe = new Maybe { Value = 7 } };

        Wire.AssertSaves(
            "00000001"
            + Wire.Subsection("nic/full", 2, "0002 0003 04")
            + Wire.Subsection("nic/kept", 1, "0005")
            + Wire.Subsection("nic/mit", 3, "00000006")
            + Wire.Subsection("nic/maybe", 1, "07"),
            device);
    }

    [Fact]
    public void What_is_not_needed_is_not_written() => Wire.AssertSaves("00000000", new Nic());

    [Fact]
    public void A_nested_one_without_a_predicate_is_written_if_it_is_not_null() =>
        Wire.AssertSaves("00000000" + Wire.Subsection("nic/maybe", 1, "09"), new Nic { Maybe = new Maybe { Value = 9 } });

    [Fact]
    public void A_flat_one_with_Present_is_written_if_the_flag_is_set() =>
        Wire.AssertSaves("00000000" + Wire.Subsection("nic/kept", 1, "0000"), new Nic { HasKept = true });

    [Fact]
    public void A_struct_that_has_no_predicate_is_always_written() =>
        Wire.AssertSaves(Wire.Subsection("always/extra", 1, "01 02") + Wire.Subsection("always/property", 1, "03 04"),
            Wire.Loaded<Always>(Wire.Subsection("always/property", 1, "0304") + Wire.Subsection("always/extra", 1, "0102")));

    [Fact]
    public void Order_of_the_attributes_may_be_overridden() =>
        Wire.AssertSaves(Wire.Subsection("ordered/b", 1) + Wire.Subsection("ordered/c", 1, "02") + Wire.Subsection("ordered/a", 1, "01"),
            new OrderedSubsections { A = 1, C = { Value = 2 } });

    [Fact]
    public void Older_versions_of_the_state_are_saved_with_their_subsections() =>
        Wire.AssertBytes("01" + Wire.Subsection("old/sub", 4, "02"), Wire.SavedAt(new OldWithSubsection { Value = 1, Sub = 2 }, 1));

    [Fact]
    public void A_missing_object_that_is_needed_fails_the_save()
    {
        VmStateException e = Wire.RejectsSaving(new Nic { MitNeeded = true, Mit = null! });

        Assert.Equal("nic › nic/mit: expected nested state, found null; the constructor must make it at offset 0x11", e.Message);
    }
}

[VmState(Version = 3)]
internal sealed partial class Mit
{
    [Field] public uint Ide;
}

[VmState("nic/maybe", Nested = true)]
[Subsection("nic/maybe/deep", Present = nameof(HasDeep))]
internal sealed partial class Maybe
{
    [Field] public byte Value;
    [Field(Subsection = "nic/maybe/deep")] public byte Deep;
    [Ignore("whether it came")] public bool HasDeep;
}

[VmState("nic")]
[Subsection("nic/full", Version = 2, MinimumVersion = 1, Needed = nameof(FullNeeded), Absent = nameof(ResetFull))]
[Subsection("nic/kept", Present = nameof(HasKept))]
[RemovedSubsection("nic/old", typeof(OldNic))]
internal sealed partial class Nic
{
    [Field] public uint First;
    [Field(Subsection = "nic/full", Length = 2)] public ushort[] Registers = new ushort[2];
    [Field(Subsection = "nic/full", Version = 2)] public byte Second;
    [Field(Subsection = "nic/kept")] public ushort Kept;
    [Ignore("whether it came")] public bool HasKept;
    [Ignore("predicate")] public bool FullNeeded;
    [Ignore("predicate")] public bool MitNeeded;
    [Ignore("counter")] public int Resets;
    [Subsection("nic/mit", Needed = nameof(MitNeeded))] public Mit Mit = new();
    [Subsection] public Maybe? Maybe;

    private void ResetFull()
    {
        Resets++;
        Second = 0xff;
    }
}

[VmState("nic/old", Nested = true, Version = 2)]
internal sealed partial class OldNic
{
    [Field] private uint ignored;
}

[VmState]
internal sealed partial class Always
{
    [Subsection] private Point extra;
    [Subsection] private Point Property { get; set; }
}

[VmState("ordered")]
[Subsection("ordered/a", Order = 3, Needed = nameof(Yes))]
[Subsection("ordered/b", Order = 1, Needed = nameof(Yes))]
internal sealed partial class OrderedSubsections
{
    [Field(Subsection = "ordered/a")] public byte A;
    [Subsection("ordered/c", Order = 2, Needed = nameof(Yes))] public PlainMaybe C = new();

    private bool Yes(int version) => version == 1;
}

[VmState("ordered/c", Nested = true)]
internal sealed partial class PlainMaybe
{
    [Field] public byte Value;
}

[VmState("old", Version = 2)]
[Subsection("old/sub", Version = 4, Needed = nameof(Yes))]
internal sealed partial class OldWithSubsection
{
    [Field] public byte Value;
    [Field(Version = 2)] private byte newer;
    [Field(Subsection = "old/sub", Version = 2)] public byte Sub;

    private bool Yes() => true;
}
