using VmStateGen.Parsing;

namespace VmStateGen.Generator.Emit;

/// <summary>When a subsection is written.</summary>
internal static class SubsectionCode
{
    public static string IsSent(SubsectionModel model) =>
        model.Needed?.Expression
        ?? model.Present
        ?? (model.ByNull ? $"{model.Member} is not null" : "true");
}
