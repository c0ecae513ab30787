using System.Collections.Generic;
using System.Linq;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>What keeps the methods that work on runs fast wherever they are called.</summary>
internal static class RunCode
{
    private const string MethodImpl = "global::System.Runtime.CompilerServices.MethodImpl";

    /// <summary>Fields up to which a method that works on a part of a parent's run is inlined: in place, its span's length is a constant and every check goes.</summary>
    private const int MostInlined = 16;

    /// <summary>
    /// Attributes for a method of so many fields. A long one is never inlined: the JIT does so by profile into callers that are too small for it,
    /// runs out of its budget half-way and leaves every number behind a call, which takes two to five times as long (docs/performance.md).
    /// </summary>
    public static void Attribute(SourceWriter source, int fields, bool isPart)
    {
        if (fields > MostInlined)
            source.Line($"[{MethodImpl}({MethodImpl}Options.NoInlining)]");
        else if (isPart)
            source.Line($"[{MethodImpl}({MethodImpl}Options.AggressiveInlining)]");
    }

    /// <summary>One check in the beginning, by which the JIT knows the length where the method is not inlined.</summary>
    public static string FixLength(IReadOnlyCollection<PlacedItem> items) => $"run = run.Slice(0, {items.Sum(item => item.Size)});";
}
