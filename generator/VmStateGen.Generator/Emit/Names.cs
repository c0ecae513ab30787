namespace VmStateGen.Generator.Emit;

/// <summary>How generated code names what it uses.</summary>
internal static class Names
{
    public const string Root = "global::VmStateGen.";
    public const string Writer = Root + "VmStateWriter";
    public const string Reader = Root + "VmStateReader";
    public const string Description = Root + "VmDescriptionWriter";
    public const string Errors = Root + "VmStateErrors";
    public const string Arrays = Root + "StateArrays";
    public const string Bits = Root + "StateBits";
    public const string Text = Root + "StateText";
    public const string BigEndian = Root + "BigEndian";
    public const string Exception = Root + "VmStateException";
    public const string Binary = "global::System.Buffers.Binary.BinaryPrimitives";
    public const string Span = "global::System.Span";
    public const string ReadOnlySpan = "global::System.ReadOnlySpan";

    /// <summary>Methods of a nested type that its parent calls.</summary>
    public const string Save = "SaveVmState";

    /// <summary>Loads; not virtual, so that a base class loads its own part.</summary>
    public const string Load = "LoadVmState";

    /// <summary>Describes.</summary>
    public const string Describe = "DescribeVmState";

    /// <summary>Gives nested state its owner.</summary>
    public const string SetParent = "SetVmStateParent";

    /// <summary>Saves a part of a parent's run.</summary>
    public const string SaveRun = "SaveVmStateRun";

    /// <summary>Loads from a part of a parent's run.</summary>
    public const string LoadRun = "LoadVmStateRun";
}
