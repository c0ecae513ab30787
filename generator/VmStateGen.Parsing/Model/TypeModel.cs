using VmStateGen.Schema;

namespace VmStateGen.Parsing;

/// <summary>Everything about one annotated type that emitting needs. Compares by value and holds no symbol.</summary>
public sealed record TypeModel
{
    /// <summary>What the type puts on the wire.</summary>
    public required StateSchema Schema { get; init; }

    /// <summary>How its members are reached; one for each item of <see cref="Schema"/>, in the same order.</summary>
    public EquatableArray<ItemModel> Items { get; init; }

    /// <summary>One for each subsection of <see cref="Schema"/>, in the same order.</summary>
    public EquatableArray<SubsectionModel> Subsections { get; init; }

    /// <summary>Fully qualified names of the types that read removed subsections, in the order of <see cref="Schema"/>.</summary>
    public EquatableArray<string> RemovedSubsectionTypes { get; init; }

    /// <summary>Namespace, empty for the global one.</summary>
    public required string Namespace { get; init; }

    /// <summary>Partial declarations to open, outermost first, the type itself last: <c>partial class Outer&lt;T&gt;</c>.</summary>
    public EquatableArray<string> Declarations { get; init; }

    /// <summary>Name of the generated file, unique in the compilation.</summary>
    public required string HintName { get; init; }

    /// <summary>A struct.</summary>
    public bool IsStruct { get; init; }

    /// <summary>The base class has generated methods of its own, which these hide.</summary>
    public bool HidesBase { get; init; }

    /// <summary>The section's predicate.</summary>
    public Predicate? Needed { get; init; }

    /// <summary>The hooks.</summary>
    public HookModel Hooks { get; init; } = new();

    /// <summary>Checks, in declaration order.</summary>
    public EquatableArray<ValidationModel> Validations { get; init; }

    /// <summary>Enums that items are of.</summary>
    public EquatableArray<EnumSchema> Enums { get; init; }

    /// <summary>Schemas of the types of other assemblies that this one reaches.</summary>
    public EquatableArray<StateSchema> ExternalSchemas { get; init; }

    /// <summary>The member that holds the owner of this nested state, with its type.</summary>
    public ParentModel? Parent { get; init; }

    /// <summary>
    /// Saving and loading it can fail in no way that its parent would have to put into an error's path, as far as this type
    /// alone tells: its bytes may be part of the parent's run.
    /// </summary>
    public bool CanBeInRun { get; init; }
}

/// <summary>How the member behind a wire item is reached.</summary>
public sealed record ItemModel
{
    /// <summary>C# expression of the member, <c>this.@event</c>; <c>base</c> for the base class; empty for padding.</summary>
    public required string Member { get; init; }

    /// <summary>What the member holds.</summary>
    public MemberForm Form { get; init; }

    /// <summary>Fully qualified type of the member (of an array's element).</summary>
    public string Type { get; init; } = "";

    /// <summary>Encoding that the member's own type would have, where <c>As</c> changes it.</summary>
    public ScalarKind? Natural { get; init; }

    /// <summary>An enum, with the fully qualified type as underlying.</summary>
    public string? EnumUnderlying { get; init; }

    /// <summary>The member cannot be assigned: an array or nested object must be there already.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>A property: a struct in it is copied out and in.</summary>
    public bool IsProperty { get; init; }

    /// <summary>Nested state that is a struct.</summary>
    public bool IsStructState { get; init; }

    /// <summary>A missing nested object can be made with <c>new()</c>.</summary>
    public bool CanCreate { get; init; }

    /// <summary>The predicate that decides whether the item is there.</summary>
    public Predicate? When { get; init; }

    /// <summary>C# expression of the count.</summary>
    public string? Count { get; init; }

    /// <summary>Fully qualified name of the companion that is on the wire instead.</summary>
    public string? Via { get; init; }

    /// <summary>Fully qualified type of a tree's keys.</summary>
    public string? KeyType { get; init; }

    /// <summary>The nested type keeps its owner, which is this type.</summary>
    public bool SetsParent { get; init; }

    /// <summary>Fully qualified name of the codec.</summary>
    public string? Codec { get; init; }

    /// <summary>First element of the member's array.</summary>
    public int Start { get; init; }

    /// <summary>QEMU's type name in a trailer.</summary>
    public string TrailerType { get; init; } = "";

    /// <summary>The member of a list's elements that stands before each of them; null if it is always 1.</summary>
    public string? Marker { get; init; }

    /// <summary>The trailer's name for state that it does not look into; null if it shows the fields.</summary>
    public string? OpaqueType { get; init; }

    /// <summary>The wire name, made unique among the state's as QEMU does: <c>mac_reg[2]</c>.</summary>
    public required string TrailerName { get; init; }

    /// <summary>C# expression assigned when a stream has no such item.</summary>
    public string? Default { get; init; }
}

/// <summary>What a member holds, as far as generated code differs.</summary>
public enum MemberForm
{
    /// <summary>Nothing: padding.</summary>
    None,

    /// <summary>One value.</summary>
    Value,

    /// <summary><c>T[]</c>, all of it or a range.</summary>
    Array,

    /// <summary>One element of a <c>T[]</c>.</summary>
    ArrayElement,

    /// <summary>An inline array.</summary>
    InlineArray,

    /// <summary>One element of an inline array.</summary>
    InlineArrayElement,

    /// <summary>The base class.</summary>
    Base,

    /// <summary><c>T[,]</c>, row by row.</summary>
    Array2D,

    /// <summary><c>Memory&lt;T&gt;</c>.</summary>
    Memory,

    /// <summary><c>byte[]</c> that is written with its length.</summary>
    Blob,

    /// <summary><c>string</c>.</summary>
    Text,

    /// <summary><c>BitArray</c>.</summary>
    Bits,

    /// <summary><c>List&lt;T&gt;</c>.</summary>
    List,

    /// <summary><c>LinkedList&lt;T&gt;</c>.</summary>
    LinkedList,

    /// <summary><c>SortedList&lt;K, V&gt;</c>.</summary>
    SortedList,

    /// <summary><c>SortedDictionary&lt;K, V&gt;</c>.</summary>
    SortedDictionary,
}

/// <summary>A method, property or field that answers yes or no.</summary>
/// <param name="Name">The member's name, escaped.</param>
/// <param name="IsMethod">It is called.</param>
/// <param name="TakesVersion">With the version.</param>
public sealed record Predicate(string Name, bool IsMethod, bool TakesVersion)
{
    /// <summary>The C# expression that asks it.</summary>
    public string Expression => $"this.{Name}" + (TakesVersion ? "(version)" : IsMethod ? "()" : "");
}

/// <summary>Names of the hook methods, escaped.</summary>
public sealed record HookModel(
    string? BeforeSave = null, string? AfterSave = null, string? BeforeLoad = null, string? AfterLoad = null, bool AfterLoadTakesVersion = false);

/// <summary>A check.</summary>
/// <param name="Predicate">What must be true.</param>
/// <param name="Reason">What is wrong if it is not.</param>
/// <param name="ItemIndex">On load it is asked before this item.</param>
public sealed record ValidationModel(Predicate Predicate, string Reason, int ItemIndex);

/// <summary>The member that holds the owner.</summary>
/// <param name="Member">C# expression.</param>
/// <param name="Type">Fully qualified type.</param>
public sealed record ParentModel(string Member, string Type);

/// <summary>How a subsection is reached and asked for.</summary>
public sealed record SubsectionModel
{
    /// <summary>C# expression of the member; null for a flat one.</summary>
    public string? Member { get; init; }

    /// <summary>Fully qualified type of the member.</summary>
    public string Type { get; init; } = "";

    /// <summary>The member is a struct.</summary>
    public bool IsStruct { get; init; }

    /// <summary>The member is a property.</summary>
    public bool IsProperty { get; init; }

    /// <summary>The member cannot be assigned.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Written if and only if the member is not null.</summary>
    public bool ByNull { get; init; }

    /// <summary>A missing object can be made with <c>new()</c>.</summary>
    public bool CanCreate { get; init; }

    /// <summary>The nested type keeps its owner, which is this type.</summary>
    public bool SetsParent { get; init; }

    /// <summary>Whether to write it.</summary>
    public Predicate? Needed { get; init; }

    /// <summary>C# expression of the member that keeps whether it came.</summary>
    public string? Present { get; init; }

    /// <summary>Method called when it did not come.</summary>
    public string? Absent { get; init; }
}
