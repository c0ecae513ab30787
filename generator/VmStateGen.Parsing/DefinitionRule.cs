namespace VmStateGen.Parsing;

/// <summary>What can be wrong with one type's annotations; each is a diagnostic of the analyzers.</summary>
public enum DefinitionRule
{
    /// <summary>{0}, which is the type {1} or around it, is not partial.</summary>
    NotPartial,

    /// <summary>{0} cannot be named from a generated file: file-local.</summary>
    Inaccessible,

    /// <summary>{0} is abstract, but a section.</summary>
    AbstractSection,

    /// <summary>Field {0} has none of the attributes.</summary>
    UnmarkedField,

    /// <summary>{0}: attributes or properties {1} that cannot stand together.</summary>
    Conflict,

    /// <summary>{0} is of type {1}, which has no encoding; {2} says what to write instead.</summary>
    UnsupportedType,

    /// <summary>{0} cannot be assigned by a load.</summary>
    NotAssignable,

    /// <summary>{0} is counted, without Max.</summary>
    MissingMax,

    /// <summary>{0}: Length, Start, Element or Max {1} is missing or makes no sense.</summary>
    BadExtent,

    /// <summary>{0} names {1}, which is missing or does not have the signature {2}.</summary>
    MissingMember,

    /// <summary>Predicate {0} assigns {1}.</summary>
    PredicateAssigns,

    /// <summary>{0} has two {1} methods, {2} and {3}.</summary>
    DuplicateHook,

    /// <summary>{0}: version {1} is outside {2}.</summary>
    VersionOutOfRange,

    /// <summary>{0}: Version {1} is at or below the minimum version, so it is always there.</summary>
    DeadCondition,

    /// <summary>Subsection {0} does not start with its parent's name {1}.</summary>
    SubsectionPrefix,

    /// <summary>Subsection {0} is declared twice.</summary>
    DuplicateSubsection,

    /// <summary>Subsection {0} never says when it is written.</summary>
    SubsectionWithoutNeeded,

    /// <summary>{0} names subsection {1}, which the type does not have.</summary>
    UnknownSubsection,

    /// <summary>A stream without subsection {0} leaves its fields as they are: no Absent, no BeforeLoad.</summary>
    SubsectionWithoutReset,

    /// <summary>{0}: Order is on some items only, or needed because the type's state is in several files, or given twice.</summary>
    Order,

    /// <summary>{0}: wire name {1} is empty or longer than 255 bytes.</summary>
    BadName,

    /// <summary>Field {0} counts {1}, but is loaded later.</summary>
    CountAfterUse,

    /// <summary>{0} derives from {1}, which is not [VmState] and has the field {2}.</summary>
    BaseNotState,

    /// <summary>{0} carries [{1}], but its type {2} is not [VmState], so nothing reads it.</summary>
    NotState,
}

/// <summary>Facts about rules that generator and analyzers must agree on.</summary>
public static class DefinitionRules
{
    /// <summary>The type cannot be generated. The other rules warn of code that can.</summary>
    public static bool IsError(this DefinitionRule rule) => rule is not (DefinitionRule.UnmarkedField or DefinitionRule.PredicateAssigns
        or DefinitionRule.DeadCondition or DefinitionRule.SubsectionWithoutReset or DefinitionRule.BaseNotState);
}
