namespace VmStateGen.Analyzers;

/// <summary>What all descriptors share.</summary>
internal static class Descriptors
{
    /// <summary>The category of every rule about one type's annotations.</summary>
    public const string Definition = "VmState.Definition";

    /// <summary>The category of every rule about what releases wrote.</summary>
    public const string Compatibility = "VmState.Compatibility";

    /// <summary>The category of every rule about the files that record it.</summary>
    public const string Baseline = "VmState.Baseline";

    /// <summary>The message of a rule whose text says what was there, what is, and whom it breaks: that differs from case to case.</summary>
    public const string PathAndText = "{0}: {1}";

    /// <summary>Where the page of each rule is; the id and <c>.md</c> follow.</summary>
    public const string Pages = "https://github.com/vmstategen/vmstategen/blob/main/docs/diagnostics/";
}
