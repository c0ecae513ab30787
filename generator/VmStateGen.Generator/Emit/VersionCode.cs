using System;
using System.Globalization;
using System.Linq;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>Chooses the code for a version.</summary>
internal static class VersionCode
{
    /// <summary>
    /// Runs the code of the range that <c>version</c> is in. The newest stands in place: it is the way that nearly every save and load
    /// takes, and the JIT inlines more into a method that is long itself. Older ones have methods of their own.
    /// </summary>
    public static void Dispatch(SourceWriter source, BodyPlan plan, string prefix, string arguments, string? stream, Action<VersionRange> newest)
    {
        source.Block($"if ({plan.Condition(plan.Ranges[0])})", () => newest(plan.Ranges[0]));
        foreach (VersionRange range in plan.Ranges.Skip(1))
        {
            source.Line($"else if ({plan.Condition(range)})");
            source.Indented(() => source.Line($"{prefix}Version{range.Last.ToString(CultureInfo.InvariantCulture)}({arguments});"));
        }
        source.Line("else");
        source.Indented(() => source.Line(
            $"throw {Names.Errors}.Version(version, {plan.MinimumVersion}, {plan.Version}, {(stream is null ? "-1" : stream + ".Offset")});"));
    }
}
