using System.Globalization;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>Chooses the method for a version.</summary>
internal static class VersionCode
{
    /// <summary>Calls the method of the range that <c>version</c> is in; the newest first, since it is the usual one.</summary>
    public static void Dispatch(SourceWriter source, BodyPlan plan, string prefix, string arguments, string? stream)
    {
        string otherwise = "if";
        foreach (VersionRange range in plan.Ranges)
        {
            source.Line($"{otherwise} ({plan.Condition(range)})");
            source.Indented(() => source.Line($"{prefix}Version{range.Last.ToString(CultureInfo.InvariantCulture)}({arguments});"));
            otherwise = "else if";
        }
        source.Line("else");
        source.Indented(() => source.Line(
            $"throw {Names.Errors}.Version(version, {plan.MinimumVersion}, {plan.Version}, {(stream is null ? "-1" : stream + ".Offset")});"));
    }
}
