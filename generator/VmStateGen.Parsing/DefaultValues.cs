using System;
using System.Globalization;
using VmStateGen.Schema;

namespace VmStateGen.Parsing;

/// <summary>Constants of <c>[Field(Default = …)]</c>.</summary>
internal static class DefaultValues
{
    /// <summary>The value as C#, to be cast to the member's type; null if the member cannot hold it.</summary>
    public static string? Literal(ScalarKind kind, object value)
    {
        if (value is bool flag)
            return kind != ScalarKind.Bool ? null : flag ? "true" : "false";
        if (value is float or double)
            return kind is ScalarKind.F32 or ScalarKind.F64 ? Floating(Convert.ToDouble(value, CultureInfo.InvariantCulture)) : null;
        if (value is not (char or byte or sbyte or ushort or short or uint or int or ulong or long))
            return null;
        decimal number = value is char letter ? letter : Convert.ToDecimal(value, CultureInfo.InvariantCulture);
        (decimal Least, decimal Most)? range = kind switch
        {
            ScalarKind.U8 => (byte.MinValue, byte.MaxValue),
            ScalarKind.I8 => (sbyte.MinValue, sbyte.MaxValue),
            ScalarKind.U16 => (ushort.MinValue, ushort.MaxValue),
            ScalarKind.I16 => (short.MinValue, short.MaxValue),
            ScalarKind.U32 => (uint.MinValue, uint.MaxValue),
            ScalarKind.I32 => (int.MinValue, int.MaxValue),
            ScalarKind.U64 or ScalarKind.U128 => (ulong.MinValue, ulong.MaxValue),
            ScalarKind.I64 => (long.MinValue, long.MaxValue),
            ScalarKind.I128 or ScalarKind.F32 or ScalarKind.F64 => (decimal.MinValue, decimal.MaxValue),
            _ => null,
        };
        return range is (decimal least, decimal most) && least <= number && number <= most
            ? number.ToString(CultureInfo.InvariantCulture)
            : null;
    }

    /// <summary>The value as one token of the schema, the same on every machine.</summary>
    public static string SchemaText(object value) => value is char letter
        ? ((int)letter).ToString(CultureInfo.InvariantCulture)
        : Convert.ToString(value, CultureInfo.InvariantCulture)!.Replace(' ', '_');

    private static string Floating(double value) =>
        double.IsNaN(value) ? "double.NaN"
        : double.IsPositiveInfinity(value) ? "double.PositiveInfinity"
        : double.IsNegativeInfinity(value) ? "double.NegativeInfinity"
        : value.ToString("R", CultureInfo.InvariantCulture) + "D";
}
