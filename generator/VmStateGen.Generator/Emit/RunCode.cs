using System.Collections.Generic;
using System.Linq;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>What makes the methods that work on a part of a parent's run as fast as code in place.</summary>
internal static class RunCode
{
    /// <summary>Fields up to which a method is inlined: in place, its span's length is a constant and every check goes.</summary>
    public const int MostInlined = 16;

    public const string Inlined =
        "[global::System.Runtime.CompilerServices.MethodImpl(global::System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]";

    /// <summary>One check in the beginning, by which the JIT knows the length where the method is not inlined.</summary>
    public static string FixLength(IReadOnlyCollection<PlacedItem> items) => $"run = run.Slice(0, {items.Sum(item => item.Size)});";
}
