using System;

namespace VmStateGen.Tests.Library;

/// <summary>How a part works.</summary>
public enum PartMode : byte
{
    /// <summary>Not at all.</summary>
    Off,

    /// <summary>Well.</summary>
    On = 9,
}

/// <summary>A struct whose fields no other assembly can name.</summary>
[VmState(Version = 2)]
public partial struct Point
{
    [Field] private ushort x;
    [Field(Version = 2)] private ushort y;

    /// <summary>A point.</summary>
    public Point(ushort x, ushort y)
    {
        this.x = x;
        this.y = y;
    }

    /// <summary>Both coordinates.</summary>
    public readonly (int X, int Y) Position => (x, y);
}

/// <summary>A class with an array, an enum, a nested struct and a subsection of its own.</summary>
[VmState]
public partial class Part
{
    [Field] private PartMode mode;
    [Field(Length = 2)] private readonly Point[] corners = new Point[2];
    [Subsection] private PartDetails? details;

    /// <summary>What the part does.</summary>
    public PartMode Mode
    {
        get => mode;
        set => mode = value;
    }

    /// <summary>Its corners.</summary>
    public Span<Point> Corners => corners;

    /// <summary>What is sent only if it is there.</summary>
    public PartDetails? Details
    {
        get => details;
        set => details = value;
    }
}

/// <summary>More about a part.</summary>
[VmState("part/details", Nested = true)]
public partial class PartDetails
{
    [Field] private byte detail;

    /// <summary>The one detail.</summary>
    public byte Detail
    {
        get => detail;
        set => detail = value;
    }
}

/// <summary>A base class of another assembly.</summary>
[VmState("base", Nested = true)]
public abstract partial class DeviceBase
{
    [Field] private uint id;

    /// <summary>Its number.</summary>
    public uint Id
    {
        get => id;
        set => id = value;
    }
}
