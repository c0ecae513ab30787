using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Tests;

/// <summary>Lists whose marker says more than that an element follows.</summary>
public class ListMarkerTests
{
    [Fact]
    public void The_marker_is_a_member_of_the_element()
    {
        var device = new MarkedList();
        device.Requests.AddRange([new() { Kind = 2, Value = 0x10 }, new() { Kind = 0xFF, Value = 0x20 }]);
        device.Pieces.Add(new() { Kind = 3, Value = 0x30 });
        byte[] saved = Wire.Saved(device);
        Assert.Equal<byte>([2, 0x10, 0xFF, 0x20, 0, 3, 0x30, 0], saved);

        var loaded = new MarkedList();
        VmState.Load(loaded, saved);
        Assert.Equal([(2, 0x10), (0xFF, 0x20)], loaded.Requests.Select(request => ((int)request.Kind, (int)request.Value)));
        Assert.Equal((3, 0x30), (loaded.Pieces[0].Kind, loaded.Pieces[0].Value));
        Assert.Equal(saved, Wire.Saved(loaded));
    }

    [Fact]
    public void It_is_known_when_the_element_is_loaded()
    {
        var loaded = new MarkedList();
        VmState.Load(loaded, [9, 0x10, 0x77, 0, 0]);
        Assert.Equal(0x77, loaded.Requests[0].Extra);
    }

    [Fact]
    public void The_marker_that_ends_a_list_is_not_saved_as_an_element()
    {
        var device = new MarkedList();
        device.Requests.Add(new() { Kind = 0 });
        VmStateException e = Assert.Throws<VmStateException>(() => Wire.Saved(device));
        Assert.Equal("marked_list › requests[0]: Kind is 0, which would end the list at offset 0x0", e.Message);
    }

    [Fact]
    public void Too_many_elements_and_a_list_without_end_are_refused()
    {
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(new MarkedList(), [1, 1, 1, 1, 1, 1, 0, 0]));
        Assert.Equal("requests", e.FieldPath.Split('[')[0]);
        Assert.Throws<VmStateException>(() => VmState.Load(new MarkedList(), [1, 1, 7]));
    }
}

[VmState("marked_list")]
internal sealed partial class MarkedList
{
    [Field(Max = 2, Marker = nameof(MarkedRequest.Kind))] internal readonly List<MarkedRequest> Requests = [];
    [Field(Max = 2, Marker = nameof(MarkedPiece.Kind))] internal readonly List<MarkedPiece> Pieces = [];
}

[VmState(Nested = true)]
internal sealed partial class MarkedRequest
{
    [Ignore("the list's marker")] internal byte Kind { get; set; } = 1;

    [Field] internal byte Value { get; set; }

    [Field(When = nameof(HasExtra))] internal byte Extra { get; set; }

    private bool HasExtra() => Kind == 9;
}

[VmState(Nested = true)]
internal partial struct MarkedPiece
{
    [Ignore("the list's marker")] internal byte Kind;

    [Field] internal byte Value;
}
