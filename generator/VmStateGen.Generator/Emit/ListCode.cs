using System.Globalization;
using VmStateGen.Generator.Linking;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>Lists of states: 1 before each element, 0 at the end (qemu-migration.md §2.5). What a load finds in place it reuses.</summary>
internal static class ListCode
{
    private const string Marshal = "global::System.Runtime.InteropServices.CollectionsMarshal";

    public static void Save(SourceWriter source, BoundItem item)
    {
        bool isLinked = item.Model.Form == MemberForm.LinkedList;
        source.Line($"var list = {item.Model.Member} ?? throw {Names.Errors}.Missing(writer.Offset);");
        source.Line($"{Names.Arrays}.Count(list.Count, {item.Wire.Max}, {MemberCode.Name(item)}, writer.Offset);");
        if (IsRun(item))
        {
            SaveRuns(source, item, isLinked);
            return;
        }
        source.Line("int i = 0;");
        source.Block("try", () => source.Block(
            isLinked ? "for (var node = list.First; node is not null; node = node.Next, i++)" : "for (; i < list.Count; i++)",
            () =>
            {
                source.Line(item.Model.Marker is string marker
                    ? $"writer.WriteByte({Element(item)}.{marker} is not 0 and byte marker ? marker : throw {Names.Errors}.Invalid(\"{marker} is 0, which would end the list\", writer.Offset));"
                    : "writer.WriteByte(1);");
                MemberCode.Call(source, item.Model.SetsParent, Element(item), $"{Names.Save}(ref writer, {Version(item)})");
            }));
        source.Block(MemberCode.Within(item.Wire.Name, "i"), () => source.Line("throw;"));
        source.Line("writer.WriteByte(0);");
    }

    public static void Load(SourceWriter source, BoundItem item)
    {
        bool isLinked = item.Model.Form == MemberForm.LinkedList;
        string collection = $"global::System.Collections.Generic.{(isLinked ? "LinkedList" : "List")}<{item.Model.Type}>";
        source.Line(item.Model.IsReadOnly
            ? $"var list = {item.Model.Member} ?? throw {Names.Errors}.Missing(reader.Offset);"
            : $"var list = {item.Model.Member} ??= new {collection}();");
        if (isLinked)
            source.Line("var node = list.First;");
        source.Line("int i = 0;");
        string marker = item.Model.Marker is null ? "" : "out byte marker, ";
        source.Block("try", () =>
        {
            if (IsRun(item))
                LoadRuns(source, item);
            else
                source.Block($"for (; reader.NextElement({marker}{MemberCode.Name(item)}); i++)", () => LoadElement(source, item));
        });
        source.Block(MemberCode.Within(item.Wire.Name, "i"), () => source.Line("throw;"));
        if (isLinked)
        {
            source.Line("while (list.Count > i)");
            source.Indented(() => source.Line("list.RemoveLast();"));
        }
        else
        {
            source.Line("if (list.Count > i)");
            source.Indented(() => source.Line("list.RemoveRange(i, list.Count - i);"));
        }
    }

    /// <summary>Elements of one size are walked in the window, as many as are there.</summary>
    private static void LoadRuns(SourceWriter source, BoundItem item)
    {
        int size = Size(item);
        source.Block($"while (reader.HasElement({MemberCode.Name(item)}, {size}, {SourceWriter.Utf8(item.Linked.Nested!.RunMap)}))", () =>
        {
            source.Line($"{Names.ReadOnlySpan}<byte> rest = reader.Rest;");
            if (item.Model.Form != MemberForm.LinkedList)
                source.Line($"{Names.Span}<{item.Model.Type}> elements = {Marshal}.AsSpan(list);");
            source.Block($"for (; rest.Length > {size} && rest[0] == 1; rest = rest.Slice({size + 1}), i++)", () => LoadElement(source, item));
            source.Line("reader.Consume(reader.Rest.Length - rest.Length);");
        });
    }

    private static void LoadElement(SourceWriter source, BoundItem item)
    {
        bool isLinked = item.Model.Form == MemberForm.LinkedList;
        bool isRun = IsRun(item);
        source.Line($"if (i == {item.Wire.Max})");
        source.Indented(() => source.Line($"{Names.Errors}.ThrowCount({MemberCode.Name(item)}, {item.Wire.Max}, {item.Wire.Max} + 1L, reader.Offset{(isRun ? " + (reader.Rest.Length - rest.Length)" : "")});"));
        string made = item.Model.IsStructState ? "default" : $"new {item.Model.Type}()";
        if (isLinked)
        {
            source.Line($"node ??= list.AddLast({(item.Model.IsStructState ? $"default({item.Model.Type})" : made)});");
        }
        else if (isRun)
        {
            source.Block("if (i == elements.Length)", () =>
            {
                source.Line("list.Add(default);");
                source.Line($"elements = {Marshal}.AsSpan(list);");
            });
        }
        else
        {
            source.Line("if (i == list.Count)");
            source.Indented(() => source.Line($"list.Add({made});"));
        }
        string place = item.Model.IsStructState ? Element(item) : $"({Slot(item)} ??= {made})";
        if (item.Model.Marker is string marker)
            source.Line($"{place}.{marker} = marker;");
        if (isRun)
            source.Line($"{(isLinked ? Element(item) : "elements[i]")}.{Names.LoadRun}{item.Linked.Nested!.RunVersion}(rest.Slice(1, {Size(item)}));");
        else
            MemberCode.Call(source, item.Model.SetsParent, place, $"{Names.Load}(ref reader, {Version(item)})");
        if (isLinked)
            source.Line("node = node.Next;");
    }

    public static void Describe(SourceWriter source, BoundItem item)
    {
        NestedUse nested = item.Linked.Nested!;
        source.Line($"var mark = writer.BeginStates({SourceWriter.Utf8(item.Model.TrailerName)}, {SourceWriter.Utf8(item.Model.TrailerType)}{MemberCode.Opaque(item)});");
        bool isLinked = item.Model.Form == MemberForm.LinkedList;
        source.Line($"var list = {item.Model.Member}!;");
        source.Block(isLinked ? "for (var node = list.First; node is not null; node = node.Next)" : "for (int i = 0; i < list.Count; i++)", () =>
        {
            source.Line("writer.Skip(1);");
            source.Line($"writer.BeginInline({SourceWriter.Utf8(nested.Name)}, {Version(item)});");
            MemberCode.Call(source, item.Model.SetsParent, Element(item), $"{Names.Describe}(ref writer, {Version(item)})");
        });
        source.Line("writer.Skip(1);");
        source.Line("writer.EndStruct(mark);");
    }

    /// <summary>Elements and their markers are runs, of a list as many as fit into one: nothing in them can fail.</summary>
    private static void SaveRuns(SourceWriter source, BoundItem item, bool isLinked)
    {
        int size = Size(item) + 1;
        string save = $"{Names.SaveRun}{item.Linked.Nested!.RunVersion}";
        if (isLinked)
        {
            source.Block("for (var node = list.First; node is not null; node = node.Next)", () =>
            {
                source.Line($"{Names.Span}<byte> run = writer.Run({size});");
                source.Line("run[0] = 1;");
                source.Line($"node.ValueRef.{save}(run.Slice(1, {size - 1}));");
            });
        }
        else
        {
            source.Line($"{Names.Span}<{item.Model.Type}> elements = {Marshal}.AsSpan(list);");
            source.Block("while (elements.Length > 0)", () =>
            {
                source.Line($"int count = global::System.Math.Min(elements.Length, {WireLayout.MaxRun / size});");
                source.Line($"{Names.Span}<byte> run = writer.Run(count * {size});");
                source.Block($"foreach (ref {item.Model.Type} element in elements.Slice(0, count))", () =>
                {
                    source.Line($"{Names.Span}<byte> wire = run.Slice(0, {size});");
                    source.Line("wire[0] = 1;");
                    source.Line($"element.{save}(wire.Slice(1, {size - 1}));");
                    source.Line($"run = run.Slice({size});");
                });
                source.Line("elements = elements.Slice(count);");
            });
        }
        source.Line("writer.WriteByte(0);");
    }

    /// <summary>Whether an element is a fixed number of bytes that fits into a run with its marker.</summary>
    private static bool IsRun(BoundItem item) => item.Model.Marker is null &&
        item.Linked.Nested!.RunVersion is not null && item.Model.IsStructState && item.Linked.ElementSize is > 0 and < WireLayout.MaxRun;

    private static int Size(BoundItem item) => item.Linked.ElementSize!.Value;

    /// <summary>The element in its place, also if it is a struct.</summary>
    private static string Element(BoundItem item) => (item.Model.Form, item.Model.IsStructState) switch
    {
        (MemberForm.LinkedList, true) => "node.ValueRef",
        (MemberForm.LinkedList, false) => "node.Value",
        (_, true) => $"{Marshal}.AsSpan(list)[i]",
        _ => "list[i]",
    };

    private static string Slot(BoundItem item) => item.Model.Form == MemberForm.LinkedList ? "node.Value" : "list[i]";

    private static string Version(BoundItem item) => item.Linked.Nested!.Version.ToString(CultureInfo.InvariantCulture);
}
