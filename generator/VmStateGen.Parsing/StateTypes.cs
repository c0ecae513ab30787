using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using VmStateGen.Schema;

namespace VmStateGen.Parsing;

/// <summary>Which C# types have an encoding, and which.</summary>
internal static class StateTypes
{
    /// <summary>The encoding of one value of the type, enums by their underlying type; null if it has none.</summary>
    public static ScalarKind? Scalar(ITypeSymbol type)
    {
        if (type is INamedTypeSymbol { EnumUnderlyingType: INamedTypeSymbol underlying })
            type = underlying;
        return type.SpecialType switch
        {
            SpecialType.System_Boolean => ScalarKind.Bool,
            SpecialType.System_Byte => ScalarKind.U8,
            SpecialType.System_SByte => ScalarKind.I8,
            SpecialType.System_UInt16 => ScalarKind.U16,
            SpecialType.System_Int16 => ScalarKind.I16,
            SpecialType.System_UInt32 => ScalarKind.U32,
            SpecialType.System_Int32 => ScalarKind.I32,
            SpecialType.System_UInt64 => ScalarKind.U64,
            SpecialType.System_Int64 => ScalarKind.I64,
            SpecialType.System_Single => ScalarKind.F32,
            SpecialType.System_Double => ScalarKind.F64,
            _ => type.WithNullableAnnotation(NullableAnnotation.None).ToDisplayString() switch
            {
                "System.UInt128" => ScalarKind.U128,
                "System.Int128" => ScalarKind.I128,
                "System.Guid" => ScalarKind.Guid,
                "VmStateGen.VmTimer" => ScalarKind.Timer,
                "Microsoft.Win32.SafeHandles.SafeFileHandle" => ScalarKind.Fd,
                _ => null,
            },
        };
    }

    /// <summary>The encoding that <c>As</c> names, by the value of VmStateGen.WireType; null for Natural and Bitmap.</summary>
    public static ScalarKind? FromWireType(int value) => value switch
    {
        1 => ScalarKind.Bool,
        2 => ScalarKind.U8,
        3 => ScalarKind.I8,
        4 => ScalarKind.U16,
        5 => ScalarKind.I16,
        6 => ScalarKind.U32,
        7 => ScalarKind.I32,
        8 => ScalarKind.U64,
        9 => ScalarKind.I64,
        10 => ScalarKind.F32,
        11 => ScalarKind.F64,
        _ => null,
    };

    /// <summary>An integer or a boolean of at most 8 bytes.</summary>
    public static bool IsInteger(ScalarKind kind) => kind is >= ScalarKind.Bool and <= ScalarKind.I64;

    /// <summary>The compiler does not know the type, or a part of it, and has said so.</summary>
    public static bool IsUnknown(ITypeSymbol type) => type switch
    {
        { TypeKind: TypeKind.Error } => true,
        IArrayTypeSymbol array => IsUnknown(array.ElementType),
        IPointerTypeSymbol pointer => IsUnknown(pointer.PointedAtType),
        INamedTypeSymbol named => named.TypeArguments.Any(IsUnknown),
        _ => false,
    };

    /// <summary>Whether the state is the other, or has it in a field at any depth. A subsection ends the chain: it need not come.</summary>
    public static bool Contains(INamedTypeSymbol state, INamedTypeSymbol other) =>
        Contains(state.OriginalDefinition, other.OriginalDefinition, new HashSet<ISymbol>(SymbolEqualityComparer.Default));

    private static bool Contains(INamedTypeSymbol state, INamedTypeSymbol other, HashSet<ISymbol> seen)
    {
        if (SymbolEqualityComparer.Default.Equals(state, other))
            return true;
        if (!seen.Add(state))
            return false;
        foreach (ISymbol member in state.GetMembers().Where(member => AttributeReader.Has(member, "Field")))
        {
            ITypeSymbol? type = member is IFieldSymbol field ? field.Type : (member as IPropertySymbol)?.Type;
            type = type is IArrayTypeSymbol array ? (array.ElementType.NullableAnnotation == NullableAnnotation.Annotated ? null : array.ElementType) : type is not null && InlineLength(type) is not null ? InlineElement(type) : type;
            if (type is INamedTypeSymbol inner && TypeParser.IsState(inner) && Contains(inner.OriginalDefinition, other, seen))
                return true;
        }
        return state.BaseType is INamedTypeSymbol parent && TypeParser.IsState(parent) && Contains(parent.OriginalDefinition, other, seen);
    }

    /// <summary>Elements of an inline array type, null if it is none.</summary>
    public static int? InlineLength(ITypeSymbol type)
    {
        if (type.SpecialType != SpecialType.None)
            return null;
        AttributeData? attribute = type.GetAttributes().FirstOrDefault(data => data.AttributeClass is { Name: "InlineArrayAttribute" } found
            && found.ToDisplayString() == "System.Runtime.CompilerServices.InlineArrayAttribute");
        return attribute is { ConstructorArguments.Length: 1 } && attribute.ConstructorArguments[0].Value is int length ? length : null;
    }

    /// <summary>The element type of an inline array: the type of its one field.</summary>
    public static ITypeSymbol? InlineElement(ITypeSymbol type) =>
        type.GetMembers().OfType<IFieldSymbol>().FirstOrDefault(field => !field.IsStatic)?.Type;

    /// <summary>What to write instead of a type without encoding.</summary>
    public static string Advice(ITypeSymbol type)
    {
        if (type is IArrayTypeSymbol array)
        {
            return array.Rank > 1
                ? "an array of one or two dimensions"
                : "an array of a supported element type";
        }
        return type switch
        {
            { SpecialType: SpecialType.System_IntPtr or SpecialType.System_UIntPtr } => "long or ulong: a native integer has no fixed size",
            { SpecialType: SpecialType.System_Decimal } => "a struct of its four 32-bit parts",
            { SpecialType: SpecialType.System_Char } => "ushort",
            { TypeKind: TypeKind.Pointer or TypeKind.FunctionPointer } => "[Ignore] and rebuild it in [AfterLoad]",
            { TypeKind: TypeKind.Delegate } => "[Ignore] and subscribe again in [AfterLoad]",
            { IsRefLikeType: true } => "an array",
            { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } => "a subsection, or the value and a bool with When; only elements of an array can be null",
            { TypeKind: TypeKind.TypeParameter } => "a concrete type",
            { Name: "SafeHandle" or "SafeSocketHandle" } => "SafeFileHandle, whose file goes with the stream over unix:, or [Ignore] and open it again in [AfterLoad]",
            INamedTypeSymbol { IsGenericType: true } generic => $"List, LinkedList, SortedList or SortedDictionary of a [VmState] type instead of {generic.Name}",
            { TypeKind: TypeKind.Class or TypeKind.Struct } => "[VmState] on that type, a Codec, or [Ignore]",
            _ => "[Ignore] and rebuild it in [AfterLoad]",
        };
    }
}
