using System;

namespace VmStateGen.Tests;

/// <summary>Where a field used to be: zeros out, anything in.</summary>
public class PaddingTests
{
    [Fact]
    public void Padding_stands_before_the_member_that_carries_it_and_at_the_end()
    {
        var device = new Padded { First = 0x11, Second = 0x22 };

        Wire.AssertSaves("11 0000 000000 22 00000000", device);
    }

    [Fact]
    public void What_padding_holds_is_ignored()
    {
        Padded loaded = Wire.LoadedWholeOnly<Padded>("11 ffff ffffff 22 ffffffff");

        Assert.Equal((0x11, 0x22), (loaded.First, loaded.Second));
        Wire.AssertSaves("11 0000 000000 22 00000000", loaded);
    }

    [Fact]
    public void Padding_may_belong_to_some_versions_or_to_a_predicate()
    {
        Assert.Equal(5, Wire.Loaded<VersionedPadding>("ff 05", version: 1).Value);
        Assert.Equal(5, Wire.Loaded<VersionedPadding>("05", version: 2).Value);
        Assert.Equal(5, Wire.Loaded<VersionedPadding>("ffff 05", version: 3).Value);
        Wire.AssertSaves("0000 05", new VersionedPadding { Value = 5 });
        Wire.AssertBytes("00 05", Wire.SavedAt(new VersionedPadding { Value = 5 }, 1));
    }

    [Fact]
    public void Padding_larger_than_a_run_is_skipped_in_pieces()
    {
        byte[] saved = Wire.Saved(new LargePadding { Value = 7 });
        var loaded = new LargePadding();
        VmState.Load(loaded, saved);

        Assert.Equal(10_001, saved.Length);
        Assert.Equal(7, loaded.Value);
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(new LargePadding(), saved.AsSpan(0, 5000)));
        Assert.Equal("large_padding › gone: expected 10000 bytes, found the end of the stream after 5000 at offset 0x1388", e.Message);
    }
}

[VmState]
[Removed("tail", 4, AtEnd = true)]
internal sealed partial class Padded
{
    [Field] public byte First;
    [Removed("a", 2)] [Removed("b", 3)] [Field] public byte Second;
}

[VmState(Version = 3, MinimumVersion = 1)]
internal sealed partial class VersionedPadding
{
    [Removed("old", 1, Until = 1)] [Removed("new", 2, When = nameof(IsThree))] [Field] public byte Value;

    private bool IsThree(int version) => version == 3;
}

[VmState]
internal sealed partial class LargePadding
{
    [Removed("gone", 10_000)] [Field] public byte Value;
}
