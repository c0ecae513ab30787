using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>Integers and booleans that are wider or narrower in memory than on the wire.</summary>
internal static class ConversionCode
{
    /// <summary>An expression of type <paramref name="to"/>; what does not fit is cut off.</summary>
    public static string Convert(ScalarKind from, ScalarKind to, string value)
    {
        if (to == ScalarKind.Bool)
            return $"{value} != 0";
        return from == ScalarKind.Bool
            ? $"{value} ? ({ScalarCode.Type(to)})1 : ({ScalarCode.Type(to)})0"
            : $"unchecked(({ScalarCode.Type(to)}){value})";
    }

    /// <summary>A condition that is true if the converted value is another one; null if that cannot be.</summary>
    public static string? Lost(ScalarKind from, ScalarKind to, string value, string converted)
    {
        if (from == ScalarKind.Bool || to == ScalarKind.Bool)
            return null;
        bool widens = IsSigned(from) == IsSigned(to) ? to.Size() >= from.Size() : IsSigned(to) && to.Size() > from.Size();
        if (widens)
            return null;
        string changed = $"unchecked(({ScalarCode.Type(from)}){converted}) != {value}";
        return IsSigned(from) == IsSigned(to) ? changed : $"{changed} || {(IsSigned(from) ? value : converted)} < 0";
    }

    private static bool IsSigned(ScalarKind kind) => kind is ScalarKind.I8 or ScalarKind.I16 or ScalarKind.I32 or ScalarKind.I64;
}
