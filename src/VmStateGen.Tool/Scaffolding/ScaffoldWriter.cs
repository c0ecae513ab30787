using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using VmStateGen.Schema;

namespace VmStateGen.Tool.Scaffolding;

/// <summary>Annotated C# of a section.</summary>
/// <param name="ClassName">The section's class.</param>
/// <param name="Source">One file.</param>
/// <param name="DescribesAlike">Whether the class describes itself in a trailer as the stream's trailer does.</param>
internal sealed record ScaffoldedClass(string ClassName, string Source, bool DescribesAlike);

/// <summary>Writes the classes of a section: its own first, then what it nests, each form once.</summary>
internal sealed class ScaffoldWriter
{
    private readonly HashSet<string> classNames = [];
    private readonly Dictionary<string, string> classOf = [];
    private readonly List<string> classes = [];
    private bool describesAlike = true;

    /// <param name="shape">The section.</param>
    /// <param name="space">Namespace of the classes.</param>
    /// <param name="origin">Lines of comment: where it comes from.</param>
    public static ScaffoldedClass Write(StateShape shape, string space, IEnumerable<string> origin)
    {
        var writer = new ScaffoldWriter();
        string name = Identifiers.Class(shape.Name, writer.classNames);
        string section = writer.ClassText(shape, name, isSection: true, isStruct: false);
        var source = new StringBuilder();
        foreach (string line in origin)
            source.Append("// ").Append(Identifiers.Comment(line)).Append('\n');
        source.Append("// One stream tells what was sent, not when it is sent: what is marked \"to be decided\" is for you to decide.\n\n");
        source.Append("using VmStateGen;\n\nnamespace ").Append(space).Append(";\n\n").Append(section);
        foreach (string nested in writer.classes)
            source.Append('\n').Append(nested);
        return new ScaffoldedClass(name, source.ToString(), writer.describesAlike);
    }

    /// <summary>The class of nested state, written if there is none of this form yet.</summary>
    private string ClassOf(StateShape shape, bool isStruct)
    {
        string form = Form(shape) + (isStruct ? " struct" : "");
        if (classOf.TryGetValue(form, out string? known))
            return known;
        string name = Identifiers.Class(shape.Name, classNames);
        classOf.Add(form, name);
        // What it nests stands behind it.
        int place = classes.Count;
        classes.Add("");
        classes[place] = ClassText(shape, name, isSection: false, isStruct);
        return name;
    }

    private static string Form(StateShape shape)
    {
        var text = new StringBuilder();
        Add(shape);
        return text.ToString();

        void Add(StateShape state)
        {
            text.Append(Identifiers.Literal(state.Name)).Append(state.Version).Append('{');
            foreach (ItemShape item in state.Items)
            {
                text.Append((item with { State = null }).ToString());
                if (item.State != null)
                    Add(item.State);
            }
            text.Append('|');
            foreach (StateShape subsection in state.Subsections)
                Add(subsection);
            text.Append('}');
        }
    }

    private string ClassText(StateShape shape, string name, bool isSection, bool isStruct)
    {
        var members = new HashSet<string> { name };
        var memberOf = new Dictionary<string, string>();
        var body = new StringBuilder();
        string parent = "";
        var paddings = new List<string>();
        for (int i = 0; i < shape.Items.Count; i++)
        {
            ItemShape item = shape.Items[i];
            if (i == 0 && IsBase(item) && !isStruct)
                parent = " : " + ClassOf(item.State!, isStruct: false);
            else if (item.Kind == ItemKind.Padding)
                paddings.Add($"[Removed(\"unused\", {item.Length})]");
            else
            {
                body.Append(ItemText(item, members, memberOf, paddings, isStruct));
                paddings.Clear();
            }
        }
        foreach (StateShape subsection in shape.Subsections)
            body.Append(body.Length > 0 ? "\n" : "").Append(SubsectionText(subsection, shape.Name, members));

        var text = new StringBuilder();
        text.Append($"/// <summary>{(isSection ? "Section" : "State")} <c>{Identifiers.Xml(shape.Name)}</c>, as version {shape.Version} was sent.</summary>\n");
        text.Append($"[VmState({Identifiers.Literal(shape.Name)}{(isSection ? "" : ", Nested = true")}{Versions(shape.Version)})]\n");
        foreach (string padding in paddings)
            text.Append(padding.Replace(")]", ", AtEnd = true)]", StringComparison.Ordinal)).Append('\n');
        // A class may be the base of another one of the file.
        string kind = isStruct ? "partial struct" : isSection ? "sealed partial class" : "partial class";
        text.Append($"public {kind} {name}{parent}\n{{\n").Append(body).Append("}\n");
        return text.ToString();
    }

    private static bool IsBase(ItemShape item) =>
        item is { Name: "parent_obj", Kind: ItemKind.State, Length: null, IsVersioned: false, Remark: null, Condition: null };

    /// <summary>Which older versions load is not known from a stream.</summary>
    private static string Versions(long version) => version == 1 ? "" : $", Version = {version}" + (version > 1 ? $", MinimumVersion = {version}" : "");

    private string ItemText(ItemShape item, HashSet<string> members, Dictionary<string, string> memberOf, List<string> paddings, bool isStruct)
    {
        describesAlike &= !item.DiffersInTrailer;
        string name = Identifiers.Member(item.Name, members);
        memberOf[item.Name] = name;
        var text = new StringBuilder();
        if (item.Remark != null)
            text.Append($"    // {(item.Kind == ItemKind.Bytes ? "Opaque: " : "")}{Identifiers.Comment(item.Remark)}.\n");
        foreach (string padding in paddings)
            text.Append("    ").Append(padding).Append('\n');
        var arguments = new List<string>();
        if (WireName.Of(name) != item.Name)
            arguments.Add(Identifiers.Literal(item.Name));
        string after = "";
        if (item.IsConditional || item.Condition != null)
        {
            string predicate = Identifiers.Predicate(item.Name, members);
            arguments.Add($"When = nameof({predicate})");
            after = item.Condition == null
                ? $"    private bool {predicate} => true; // To be decided: the trailer has the array element by element, as if a predicate decided.\n"
                : $"    private bool {predicate} => {string.Format(CultureInfo.InvariantCulture, item.Condition.Format, memberOf[item.Condition.Field])};"
                    + " // To be decided: guessed from this stream.\n";
        }
        if (item.Expect != null)
            arguments.Add($"Expect = Expect.{item.Expect}");
        if (item.IsVersioned)
            arguments.Add($"StructVersion = {item.State!.Version}");
        if (item.TypeName != null)
            arguments.Add($"TypeName = {Identifiers.Literal(item.TypeName)}");
        string declaration = Declaration(item, name, members, arguments, isStruct, ref after);
        string list = arguments.Count == 0 ? "" : $"({string.Join(", ", arguments)})";
        return text.Append($"    [Field{list}] {declaration}\n").Append(after).ToString();
    }

    private string Declaration(ItemShape item, string name, HashSet<string> members, List<string> arguments, bool isStruct, ref string after)
    {
        if (item.Kind == ItemKind.Bytes && item.Length == 0)
        {
            string count = Identifiers.Member(item.Name + "_length", members);
            arguments.Add($"CountFrom = nameof({count})");
            arguments.Add("Max = 0");
            after += $"    private int {count} => 0; // To be decided: nothing was sent.\n";
            return $"private byte[] {name} = [];";
        }
        if (item.Kind == ItemKind.State)
        {
            bool isValue = item.Length != null && IsPlain(item.State!);
            string type = ClassOf(item.State!, isValue || isStruct);
            if (item.Length is not long elements)
                return isStruct ? $"private {type} {name};" : $"private readonly {type} {name} = new();";
            arguments.Add($"Length = {elements}");
            return $"private readonly {type}[] {name} = new {type}[{elements}];";
        }
        if (item.Length is long length)
        {
            string type = item.Kind == ItemKind.Bytes ? "byte" : item.Type;
            arguments.Add($"Length = {length}");
            // An array of numbers, which the trailer tells from a buffer.
            if (item.Kind == ItemKind.Scalar && item.Type == "byte")
                arguments.Add("As = WireType.U8");
            return $"private readonly {type}[] {name} = new {type}[{length}];";
        }
        return item.Initial == null
            ? $"private {item.Type} {name};"
            : $"private {item.Type} {name} = {item.Initial}; // To be decided: what this side has; a load compares.";
    }

    private string SubsectionText(StateShape shape, string parent, HashSet<string> members)
    {
        string type = ClassOf(shape, isStruct: false);
        string suffix = shape.Name[parent.Length..].Trim('/');
        string name = Identifiers.Member(suffix.Length == 0 ? shape.Name : suffix, members);
        string flag = Identifiers.Member("has_" + (suffix.Length == 0 ? shape.Name : suffix), members);
        return $"""
                // To be decided: when it is sent. Until then it is sent if it came; give Needed = nameof(...) instead of Present.
                [Subsection({Identifiers.Literal(shape.Name)}, Present = nameof({flag}))] private readonly {type} {name} = new();
                [Ignore("whether its subsection came")] private bool {flag};

            """;
    }

    /// <summary>Single numbers only: an array of such elements needs no object for each.</summary>
    private static bool IsPlain(StateShape state) => state.Subsections.Count == 0 && state.Items.All(item =>
        item is { Kind: ItemKind.Scalar, Length: null, Initial: null, IsConditional: false, Condition: null }
        || item.Kind == ItemKind.Padding
        || item is { Kind: ItemKind.State, Length: null, IsConditional: false, Condition: null } && IsPlain(item.State!));
}
