using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis.CSharp;
using VmStateGen.Schema;

namespace VmStateGen.CodeFixes;

/// <summary>
/// The class that reads a section of a release to its end, from what is recorded of it. Only what the record tells whole: a predicate or a
/// codec is code that is gone, and a class that guesses would read the wrong number of bytes.
/// </summary>
internal sealed class FrozenType
{
    private readonly SchemaSet release;
    private readonly StringBuilder text = new();
    private readonly Dictionary<string, string> names = new();
    private readonly Queue<StateSchema> pending = new();

    private FrozenType(SchemaSet release) => this.release = release;

    /// <summary>The name of the class.</summary>
    public static string NameOf(StateSchema section) => "Frozen" + Simple(section.Key);

    /// <summary>A file with the class, those of its nested state, and the attribute; null: the record does not tell it whole.</summary>
    public static string? Write(SchemaSet release, StateSchema section)
    {
        var writer = new FrozenType(release);
        string name = writer.Name(section);
        int dot = section.Key.LastIndexOf('.');
        string space = dot < 0 ? "" : section.Key.Substring(0, dot);
        while (writer.pending.Count > 0)
        {
            if (!writer.Type(writer.pending.Dequeue()))
                return null;
        }
        return "using VmStateGen;\n\n"
            + $"[assembly: RemovedSection({Edits.Literal(section.Name)}, typeof({(space.Length == 0 ? "" : space + ".")}{name}))]\n"
            + (space.Length == 0 ? "" : $"\nnamespace {space};\n") + writer.text;
    }

    private static string Simple(string key) => Edits.Pascal(key.Substring(key.LastIndexOfAny(new[] { '.', '+' }) + 1));

    private string Name(StateSchema state)
    {
        if (names.TryGetValue(state.Key, out string? known))
            return known;
        string name = NameOf(state);
        while (names.ContainsValue(name))
            name += "2";
        names.Add(state.Key, name);
        pending.Enqueue(state);
        return name;
    }

    private bool Type(StateSchema state)
    {
        if (state.Subsections.Any(subsection => subsection.Type is not null) || state.RemovedSubsections.Count > 0)
            return false;
        text.Append($"\n/// <summary>Reads \"{state.Name}\" of older releases, to throw it away.</summary>\n");
        text.Append($"[VmState({Edits.Literal(state.Name)}, Nested = true{Versions(state.Version, state.MinimumVersion)})]\n");
        var members = new Dictionary<string, string>();
        foreach (SubsectionSchema subsection in state.Subsections)
        {
            string flag = Member(members, "has " + subsection.Name, "has_" + subsection.Name.Substring(subsection.Name.LastIndexOf('/') + 1));
            text.Append($"[Subsection({Edits.Literal(subsection.Name)}, Present = nameof({flag}){Versions(subsection.Version, subsection.MinimumVersion)})]\n");
        }
        var body = new StringBuilder();
        foreach (string flag in members.Values)
            body.Append($"    [Ignore(\"whether its subsection came\")] private bool {flag};\n");
        var padding = new List<string>();
        foreach (WireItem item in state.Items)
        {
            if (item is { Shape: WireShape.Padding { Size: int size }, When: null, Count: null })
            {
                padding.Add($"Removed({Edits.Literal(item.Name)}, {Number(size)}{string.Concat(Conditions(item).Select(condition => ", " + condition))}");
                continue;
            }
            if (Field(item, members) is not string field)
                return false;
            body.Append("    ").Append(string.Concat(padding.Select(entry => $"[{entry})] "))).Append(field).Append('\n');
            padding.Clear();
        }
        foreach (string entry in padding)
            text.Append($"[{entry}, AtEnd = true)]\n");
        text.Append($"internal sealed partial class {names[state.Key]}\n{{\n{body}}}\n");
        return true;
    }

    private string? Field(WireItem item, Dictionary<string, string> members)
    {
        bool isLost = item.When is not null || item.Via is not null || item.Codec is not null || item.Nulls is not null || item.ElementVersion is not null
            || item.Count?.StartsWith("@", System.StringComparison.Ordinal) == true;
        if (isLost || Shape(item) is not (string type, int length, string value))
            return null;
        var arguments = new List<string> { Edits.Literal(item.Name) };
        arguments.AddRange(Conditions(item));
        Add("Length", length > 0 ? length : null);
        if (item.Count is string count)
        {
            if (!members.TryGetValue(count, out string? counter))
                return null;
            arguments.Add($"CountFrom = nameof({counter})");
        }
        Add("Max", item.Max);
        Add("StructVersion", item.StructVersion);
        return $"[Field({string.Join(", ", arguments)})] private {type} {Member(members, item.Name, item.Name)}{value};";

        void Add(string name, int? number)
        {
            if (number is int value)
                arguments.Add($"{name} = {Number(value)}");
        }
    }

    private static IEnumerable<string> Conditions(WireItem item)
    {
        if (item.Since > 0)
            yield return $"Version = {Number(item.Since)}";
        if (item.Until is int until)
            yield return $"Until = {Number(until)}";
        if (item.Subsection is not null)
            yield return $"Subsection = {Edits.Literal(item.Subsection)}";
    }

    /// <summary>The C# type, the length if it is an array of a fixed one, and the initial value.</summary>
    private (string Type, int Length, string Value)? Shape(WireItem item)
    {
        switch (item.Shape)
        {
            case WireShape.Scalar scalar when CSharp(scalar.Kind) is string type:
                return Array(type, scalar.Array);
            case WireShape.Bytes bytes when item.Count is not null || !bytes.Array.IsCounted:
                return Array("byte", bytes.Array);
            case WireShape.Bitmap { Array.IsCounted: false } bitmap:
                return Array("ulong", ArrayExtent.Of((int)((bitmap.Array.Length + 63) / 64)));
            case WireShape.Text:
                return ("string", 0, " = \"\"");
            case WireShape.State { Array: null } state when release.Find(state.Type) is StateSchema nested:
                return (Name(nested), 0, " = new()");
            default:
                return null;
        }
    }

    private static (string, int, string)? Array(string type, ArrayExtent? extent)
    {
        if (extent is null)
            return (type, 0, "");
        return extent.IsCounted ? (type + "[]", 0, $" = new {type}[0]") : (type + "[]", (int)extent.Length, $" = new {type}[{Number((int)extent.Length)}]");
    }

    private static string? CSharp(ScalarKind kind) => kind switch
    {
        ScalarKind.Bool => "bool",
        ScalarKind.U8 => "byte",
        ScalarKind.I8 => "sbyte",
        ScalarKind.U16 => "ushort",
        ScalarKind.I16 => "short",
        ScalarKind.U32 => "uint",
        ScalarKind.I32 => "int",
        ScalarKind.U64 => "ulong",
        ScalarKind.I64 => "long",
        ScalarKind.F32 => "float",
        ScalarKind.F64 => "double",
        ScalarKind.Timer => "VmTimer",
        ScalarKind.Guid => "System.Guid",
        ScalarKind.Fd => "Microsoft.Win32.SafeHandles.SafeFileHandle",
        ScalarKind.U128 => "System.UInt128",
        ScalarKind.I128 => "System.Int128",
        _ => null,
    };

    /// <summary>A free member name; <paramref name="key"/> finds it again.</summary>
    private static string Member(Dictionary<string, string> members, string key, string wireName)
    {
        string name = Edits.Pascal(wireName.Replace('/', '_'));
        name = char.ToLowerInvariant(name[0]) + name.Substring(1);
        if (SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None)
            name = "@" + name;
        while (members.ContainsValue(name))
            name += "2";
        members[key] = name;
        return name;
    }

    private static string Versions(int version, int minimum) =>
        version == 1 && minimum == 1 ? "" : $", Version = {Number(version)}, MinimumVersion = {Number(minimum)}";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
