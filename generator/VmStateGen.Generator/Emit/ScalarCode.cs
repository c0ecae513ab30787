using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>One value at a constant offset of a run, or several that are next to each other.</summary>
internal static class ScalarCode
{
    private const string Bitwise = "global::System.BitConverter";

    /// <summary>A statement that writes <paramref name="value"/>, an expression of the wire's C# type.</summary>
    public static string Write(ScalarKind kind, string run, int offset, string value) => kind switch
    {
        ScalarKind.Bool or ScalarKind.U8 or ScalarKind.I8 => $"{run}[{offset}] = {Bits(kind, value)};",
        ScalarKind.U128 or ScalarKind.I128 => $"{Names.Binary}.Write{Int128(kind)}BigEndian({run}.Slice({offset}, 16), {value});",
        ScalarKind.Guid => $"{value}.TryWriteBytes({run}.Slice({offset}, 16), true, out _);",
        _ => $"{Names.BigEndian}.WriteUInt{kind.Size() * 8}({run}, {offset}, {Bits(kind, value)});",
    };

    /// <summary>An expression of the wire's C# type that reads the value.</summary>
    public static string Read(ScalarKind kind, string run, int offset) => kind switch
    {
        ScalarKind.Bool or ScalarKind.U8 or ScalarKind.I8 => FromBits(kind, $"{run}[{offset}]"),
        ScalarKind.U128 or ScalarKind.I128 => $"{Names.Binary}.Read{Int128(kind)}BigEndian({run}.Slice({offset}, 16))",
        ScalarKind.Guid => $"new global::System.Guid({run}.Slice({offset}, 16), true)",
        _ => FromBits(kind, $"{Names.BigEndian}.ReadUInt{kind.Size() * 8}({run}, {offset})"),
    };

    /// <summary>A statement that writes a word of several values, one a line: <paramref name="value"/> gives each, as an expression of the wire's C# type.</summary>
    public static void WriteWord(SourceWriter source, RunWord word, Func<PlacedItem, (ScalarKind Kind, string Text)> value)
    {
        // All of them before the statement: checks of a value are statements too.
        List<string> parts = word.Items.Select(item =>
        {
            (ScalarKind kind, string text) = value(item);
            string bits = kind == ScalarKind.Bool ? $"({Bits(kind, text)})" : Bits(kind, text);
            return word.Shift(item) == 0 ? bits : $"({word.Type}){bits} << {word.Shift(item)}";
        }).ToList();
        source.Line($"{Names.BigEndian}.WriteUInt{word.Bits}(run, {word.Offset}, {parts[0]}");
        source.Indented(() =>
        {
            for (int i = 1; i < parts.Count; i++)
                source.Line($"| {parts[i]}{(i == parts.Count - 1 ? ");" : "")}");
        });
    }

    /// <summary>A statement that reads a word of several values.</summary>
    public static string ReadWord(RunWord word, string name) => $"{word.Type} {name} = {Names.BigEndian}.ReadUInt{word.Bits}(run, {word.Offset});";

    /// <summary>An expression of the wire's C# type that takes the value out of a word.</summary>
    public static string FromWord(ScalarKind kind, string word, int shift)
    {
        string bits = shift == 0 ? word : $"({word} >> {shift})";
        return kind is ScalarKind.I8 or ScalarKind.I16 or ScalarKind.I32
            ? $"unchecked(({Type(kind)}){bits})"
            : FromBits(kind, $"unchecked(({UnsignedType(kind.Size())}){bits})");
    }

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

    /// <summary>The value's bits as an unsigned number.</summary>
    private static string Bits(ScalarKind kind, string value) => kind switch
    {
        ScalarKind.Bool => $"{value} ? (byte)1 : (byte)0",
        ScalarKind.I8 or ScalarKind.I16 or ScalarKind.I32 or ScalarKind.I64 => $"unchecked(({UnsignedType(kind.Size())}){value})",
        ScalarKind.F32 => $"{Bitwise}.SingleToUInt32Bits({value})",
        ScalarKind.F64 => $"{Bitwise}.DoubleToUInt64Bits({value})",
        ScalarKind.Timer => value + ".ExpireTime",
        _ => value,
    };

    /// <summary>The value of unsigned bits.</summary>
    private static string FromBits(ScalarKind kind, string bits) => kind switch
    {
        ScalarKind.Bool => $"{bits} != 0",
        ScalarKind.I8 or ScalarKind.I16 or ScalarKind.I32 or ScalarKind.I64 => $"unchecked(({Type(kind)}){bits})",
        ScalarKind.F32 => $"{Bitwise}.UInt32BitsToSingle({bits})",
        ScalarKind.F64 => $"{Bitwise}.UInt64BitsToDouble({bits})",
        ScalarKind.Timer => $"new {Names.Root}VmTimer({bits})",
        _ => bits,
    };

    private static string UnsignedType(int size) => size switch
    {
        1 => "byte",
        2 => "ushort",
        4 => "uint",
        _ => "ulong",
    };

    private static string Int128(ScalarKind kind) => kind == ScalarKind.I128 ? "Int128" : "UInt128";
}
