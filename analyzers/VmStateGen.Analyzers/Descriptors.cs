namespace VmStateGen.Analyzers;

/// <summary>What all descriptors share.</summary>
internal static class Descriptors
{
    /// <summary>The category of every rule about one type's annotations.</summary>
    public const string Definition = "VmState.Definition";

    /// <summary>Where the page of each rule is; the id and <c>.md</c> follow.</summary>
    public const string Pages = "https://github.com/vmstategen/vmstategen/blob/main/docs/diagnostics/";
}
