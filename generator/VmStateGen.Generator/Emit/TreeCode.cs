using System.Globalization;
using VmStateGen.Generator.Linking;
using VmStateGen.Parsing;

namespace VmStateGen.Generator.Emit;

/// <summary>
/// Trees (qemu-migration.md §2.5): be32 number of nodes, each 1, key, value, and 0 at the end, in the order of the keys. A
/// SortedList keeps the values whose keys come again; a SortedDictionary is filled anew, which allocates.
/// </summary>
internal static class TreeCode
{
    public static void Save(SourceWriter source, BoundItem item)
    {
        source.Line($"var tree = {item.Model.Member} ?? throw {Names.Errors}.Missing(writer.Offset);");
        source.Line($"{Names.Binary}.WriteInt32BigEndian(writer.Run(4), {Names.Arrays}.Count(tree.Count, {item.Wire.Max}, {MemberCode.Name(item)}, writer.Offset));");
        source.Line("int i = 0;");
        source.Block("try", () => Nodes(source, item, () =>
        {
            source.Line("writer.WriteByte(1);");
            if (IsDirect(item))
                source.Line($"{Names.Binary}.WriteUInt64BigEndian(writer.Run(8), key);");
            else
                source.Line($"key.{Names.Save}(ref writer, {Version(item.Linked.TreeKey!)});");
            MemberCode.Call(source, item.Model.SetsParent, "value", $"{Names.Save}(ref writer, {Version(item.Linked.Nested!)})");
        }));
        source.Block(MemberCode.Within(item.Wire.Name, "i"), () => source.Line("throw;"));
        source.Line("writer.WriteByte(0);");
    }

    public static void Load(SourceWriter source, BoundItem item)
    {
        string name = MemberCode.Name(item);
        bool isList = item.Model.Form == MemberForm.SortedList;
        string collection = $"global::System.Collections.Generic.{(isList ? "SortedList" : "SortedDictionary")}<{item.Model.KeyType}, {item.Model.Type}>";
        source.Line(item.Model.IsReadOnly
            ? $"var tree = {item.Model.Member} ?? throw {Names.Errors}.Missing(reader.Offset);"
            : $"var tree = {item.Model.Member} ??= new {collection}();");
        source.Line("long start = reader.Offset;");
        source.Line($"int count = {Names.Arrays}.Count({Names.Binary}.ReadUInt32BigEndian(reader.Run(4, {SourceWriter.Utf8(RunMapText.Escape(item.Wire.Name) + ":4")})), {item.Wire.Max}, {name}, start);");
        if (!isList)
            source.Line("tree.Clear();");
        source.Line($"{item.Model.KeyType} last = default!;");
        source.Line("int i = 0;");
        source.Block("try", () => source.Block($"for (; reader.NextElement({name}); i++)", () =>
        {
            source.Line("if (i == count)");
            source.Indented(() => source.Line($"{Names.Errors}.ThrowTree({name}, $\"{{count}} nodes\", \"another one\", reader.Offset - 1);"));
            ReadKey(source, item);
            source.Line("if (i > 0 && tree.Comparer.Compare(last, key) >= 0)");
            source.Indented(() => source.Line($"{Names.Errors}.ThrowTree({name}, \"keys in ascending order\", $\"key {{i}} at or below the one before\", reader.Offset);"));
            source.Line("last = key;");
            if (isList)
                IntoList(source, item);
            else
                IntoDictionary(source, item);
        }));
        source.Block(MemberCode.Within(item.Wire.Name, "i"), () => source.Line("throw;"));
        source.Line("if (i != count)");
        source.Indented(() => source.Line($"{Names.Errors}.ThrowTree({name}, $\"{{count}} nodes\", $\"{{i}}\", reader.Offset);"));
        if (isList)
        {
            source.Line("while (tree.Count > i)");
            source.Indented(() => source.Line("tree.RemoveAt(tree.Count - 1);"));
        }
    }

    public static void Describe(SourceWriter source, BoundItem item)
    {
        NestedUse nested = item.Linked.Nested!;
        source.Line($"var mark = writer.BeginStates({SourceWriter.Utf8(item.Model.TrailerName)}, {SourceWriter.Utf8(item.Model.TrailerType)}{MemberCode.Opaque(item)});");
        source.Line("writer.Skip(4);");
        source.Line($"var tree = {item.Model.Member}!;");
        source.Line("int i = 0;");
        Nodes(source, item, () =>
        {
            source.Line(IsDirect(item) ? "writer.Skip(9);" : "writer.Skip(1);");
            if (item.Linked.TreeKey is NestedUse key)
            {
                source.Line($"writer.BeginInline({SourceWriter.Utf8(key.Name)}, {Version(key)});");
                source.Line($"key.{Names.Describe}(ref writer, {Version(key)});");
            }
            source.Line($"writer.BeginInline({SourceWriter.Utf8(nested.Name)}, {Version(nested)});");
            MemberCode.Call(source, item.Model.SetsParent, "value", $"{Names.Describe}(ref writer, {Version(nested)})");
        });
        source.Line("writer.Skip(1);");
        source.Line("writer.EndStruct(mark);");
    }

    /// <summary>Walks the nodes in order; <c>key</c> and <c>value</c> are copies if they are structs.</summary>
    private static void Nodes(SourceWriter source, BoundItem item, System.Action body)
    {
        if (item.Model.Form == MemberForm.SortedList)
        {
            source.Block("for (; i < tree.Count; i++)", () =>
            {
                source.Line("var key = tree.GetKeyAtIndex(i);");
                source.Line("var value = tree.GetValueAtIndex(i);");
                body();
            });
            return;
        }
        source.Block("foreach (var node in tree)", () =>
        {
            source.Line("var key = node.Key;");
            source.Line("var value = node.Value;");
            body();
            source.Line("i++;");
        });
    }

    private static void ReadKey(SourceWriter source, BoundItem item)
    {
        if (IsDirect(item))
        {
            source.Line($"ulong key = {Names.Binary}.ReadUInt64BigEndian(reader.Run(8, {SourceWriter.Utf8("key:8")}));");
            return;
        }
        source.Line($"{item.Model.KeyType} key = new {item.Model.KeyType}();");
        source.Line($"key.{Names.Load}(ref reader, {Version(item.Linked.TreeKey!)});");
    }

    private static void IntoList(SourceWriter source, BoundItem item)
    {
        source.Line("bool isThere = i < tree.Count && tree.Comparer.Compare(tree.GetKeyAtIndex(i), key) == 0;");
        source.Line("while (!isThere && tree.Count > i)");
        source.Indented(() => source.Line("tree.RemoveAt(tree.Count - 1);"));
        source.Line($"var value = isThere ? tree.GetValueAtIndex(i) : new {item.Model.Type}();");
        MemberCode.Call(source, item.Model.SetsParent, "value", $"{Names.Load}(ref reader, {Version(item.Linked.Nested!)})");
        source.Line("if (!isThere)");
        source.Indented(() => source.Line("tree.Add(key, value);"));
        if (!item.Model.IsStructState)
            return;
        source.Line("else");
        source.Indented(() => source.Line("tree.SetValueAtIndex(i, value);"));
    }

    private static void IntoDictionary(SourceWriter source, BoundItem item)
    {
        source.Line($"var value = new {item.Model.Type}();");
        MemberCode.Call(source, item.Model.SetsParent, "value", $"{Names.Load}(ref reader, {Version(item.Linked.Nested!)})");
        source.Line("tree.Add(key, value);");
    }

    private static bool IsDirect(BoundItem item) => item.Linked.TreeKey is null;

    private static string Version(NestedUse nested) => nested.Version.ToString(CultureInfo.InvariantCulture);
}
