namespace VmStateGen.Schema;

/// <summary>What can change in a schema. The values are the numbers of the rules table in docs/schema.md.</summary>
public enum CompatibilityRule
{
    /// <summary>A section that releases write is gone.</summary>
    SectionRemoved = 1,

    /// <summary>A section's name on the wire changed.</summary>
    SectionRenamed = 2,

    /// <summary>Two sections have one name, or a retired name is used again.</summary>
    DuplicateSection = 3,

    /// <summary>The version is lower than what a release writes.</summary>
    VersionLowered = 4,

    /// <summary>The minimum version is above what a release writes.</summary>
    MinimumVersionRaised = 5,

    /// <summary>Versions contradict each other, or a condition is always true.</summary>
    VersionOutOfRange = 6,

    /// <summary>The bytes differ at one version, and no rule says it better.</summary>
    LayoutChanged = 7,

    /// <summary>The version was raised for nothing.</summary>
    NeedlessVersion = 8,

    /// <summary>Since or Until of a shipped field moved across a version that a release writes.</summary>
    FieldVersionChanged = 9,

    /// <summary>A field is gone, or only its bytes are there.</summary>
    FieldRemoved = 10,

    /// <summary>A field that streams of a release do not have is expected in them.</summary>
    FieldAdded = 11,

    /// <summary>A field that only new streams have.</summary>
    VersionedFieldAdded = 12,

    /// <summary>Fields changed places.</summary>
    FieldsReordered = 13,

    /// <summary>A number got wider or narrower.</summary>
    WidthChanged = 14,

    /// <summary>A number got or lost its sign.</summary>
    SignednessChanged = 15,

    /// <summary>A number is another kind of value: integer, float, boolean, timer.</summary>
    KindChanged = 16,

    /// <summary>A value of a persisted enum changed or is gone.</summary>
    EnumChanged = 17,

    /// <summary>Another number of elements, or another source of it.</summary>
    CountChanged = 18,

    /// <summary>Another encoding, codec, companion or marker.</summary>
    EncodingChanged = 19,

    /// <summary>Padding has another size.</summary>
    PaddingChanged = 20,

    /// <summary>Padding became a field.</summary>
    PaddingReused = 21,

    /// <summary>A field has another name and the same bytes.</summary>
    FieldRenamed = 22,

    /// <summary>Nothing gives a new field its value when an old stream is loaded.</summary>
    NoDefault = 23,

    /// <summary>What an old stream's missing field becomes changed.</summary>
    DefaultChanged = 24,

    /// <summary>The predicate of a shipped field or subsection changed.</summary>
    PredicateChanged = 25,

    /// <summary>A subsection that releases write is gone or has another name.</summary>
    SubsectionRemoved = 26,

    /// <summary>A new subsection is always written.</summary>
    SubsectionAlwaysWritten = 27,

    /// <summary>A subsection's name does not begin with its parent's, or is there twice.</summary>
    SubsectionName = 28,

    /// <summary>Nested state differs in a way that only its use site shows.</summary>
    NestedStateChanged = 29,

    /// <summary>Fields moved into or out of nested state; the bytes are the same.</summary>
    FieldsMoved = 30,

    /// <summary>Priority, load order or a hook changed.</summary>
    LoadOrderChanged = 31,

    /// <summary>The recorded schema does not have what the code has.</summary>
    NotRecorded = 32,

    /// <summary>The recorded schema has what the code does not have.</summary>
    NotInCode = 33,

    /// <summary>A baseline file is missing, unreadable or in conflict.</summary>
    BrokenBaseline = 34,

    /// <summary>A suppression suppresses nothing.</summary>
    StaleSuppression = 35,
}
