namespace VmStateGen.Parsing;

/// <summary>What <see cref="DefinitionRule.MissingMember"/> says that a member must be; the code fixes recognise it.</summary>
public static class Signatures
{
    /// <summary>When and Needed of a subsection.</summary>
    public const string Predicate = "bool M() or bool M(int version)";

    /// <summary>Needed of a section, which no version is handed to.</summary>
    public const string SectionPredicate = "bool M()";

    /// <summary>Absent, and every hook but AfterLoad.</summary>
    public const string Hook = "void M(), not async";

    /// <summary>AfterLoad.</summary>
    public const string VersionedHook = "void M() or void M(int version), not async";

    /// <summary>Present.</summary>
    public const string Flag = "a bool field or property that can be set";

    /// <summary>CountFrom.</summary>
    public const string Count = "an integer field or property";
}
