using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>One value at a constant offset of a run.</summary>
internal static class ScalarCode
{
    /// <summary>A statement that writes <paramref name="value"/>, an expression of the wire's C# type.</summary>
    public static string Write(ScalarKind kind, string run, int offset, string value) => kind switch
    {
        ScalarKind.Bool => $"{run}[{offset}] = {value} ? (byte)1 : (byte)0;",
        ScalarKind.U8 => $"{run}[{offset}] = {value};",
        ScalarKind.I8 => $"{run}[{offset}] = unchecked((byte){value});",
        ScalarKind.Timer => $"{Names.Binary}.WriteUInt64BigEndian({run}.Slice({offset}, 8), {value}.ExpireTime);",
        ScalarKind.Guid => $"{value}.TryWriteBytes({run}.Slice({offset}, 16), true, out _);",
        _ => $"{Names.Binary}.Write{Primitive(kind)}BigEndian({run}.Slice({offset}, {kind.Size()}), {value});",
    };

    /// <summary>An expression of the wire's C# type that reads the value.</summary>
    public static string Read(ScalarKind kind, string run, int offset) => kind switch
    {
        ScalarKind.Bool => $"{run}[{offset}] != 0",
        ScalarKind.U8 => $"{run}[{offset}]",
        ScalarKind.I8 => $"unchecked((sbyte){run}[{offset}])",
        ScalarKind.Timer => $"new {Names.Root}VmTimer({Names.Binary}.ReadUInt64BigEndian({run}.Slice({offset}, 8)))",
        ScalarKind.Guid => $"new global::System.Guid({run}.Slice({offset}, 16), true)",
        _ => $"{Names.Binary}.Read{Primitive(kind)}BigEndian({run}.Slice({offset}, {kind.Size()}))",
    };

    /// <summary>C# keyword or name of the wire's type.</summary>
    public static string Type(ScalarKind kind) => kind switch
    {
        ScalarKind.Bool => "bool",
        ScalarKind.U8 => "byte",
        ScalarKind.I8 => "sbyte",
        ScalarKind.U16 => "ushort",
        ScalarKind.I16 => "short",
        ScalarKind.U32 => "uint",
        ScalarKind.I32 => "int",
        ScalarKind.U64 => "ulong",
        ScalarKind.I64 => "long",
        ScalarKind.U128 => "global::System.UInt128",
        ScalarKind.I128 => "global::System.Int128",
        ScalarKind.F32 => "float",
        ScalarKind.F64 => "double",
        ScalarKind.Timer => Names.Root + "VmTimer",
        ScalarKind.Fd => "global::Microsoft.Win32.SafeHandles.SafeFileHandle",
        _ => "global::System.Guid",
    };

    /// <summary>The member's value as the wire's type; an enum becomes its number.</summary>
    public static string FromMember(ItemModel model, ScalarKind kind, string member) =>
        model.EnumUnderlying is null ? member : $"unchecked(({Type(kind)}){member})";

    /// <summary>A value of the wire's type as the member's type.</summary>
    public static string ToMember(ItemModel model, string value) =>
        model.EnumUnderlying is null ? value : $"unchecked(({model.Type})({value}))";

    private static string Primitive(ScalarKind kind) => kind switch
    {
        ScalarKind.U16 => "UInt16",
        ScalarKind.I16 => "Int16",
        ScalarKind.U32 => "UInt32",
        ScalarKind.I32 => "Int32",
        ScalarKind.U64 => "UInt64",
        ScalarKind.I64 => "Int64",
        ScalarKind.U128 => "UInt128",
        ScalarKind.I128 => "Int128",
        ScalarKind.F32 => "Single",
        _ => "Double",
    };
}
