using System.Globalization;
using VmStateGen.Generator.Linking;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>
/// Arrays in which elements can be null (qemu-migration.md §2.4). With markers for nulls only, this side's own nulls say where a
/// marker comes; with a marker before every entry, the stream says it.
/// </summary>
internal static class NullableCode
{
    public static void Save(SourceWriter source, BoundItem item)
    {
        source.Line("int i = 0;");
        source.Block("try", () => source.Block($"for (; i < {MemberCode.Count(item)}; i++)", () =>
        {
            source.Block($"if ({Entry(item)} is null)", () =>
            {
                source.Line("writer.WriteByte(0x30);");
                source.Line("continue;");
            });
            if (item.Wire.Nulls == NullMarking.Every)
                source.Line("writer.WriteByte(0x31);");
            if (item.Wire.Shape is WireShape.Scalar scalar)
                source.Line(Placed(scalar.Kind, item));
            else
                MemberCode.Call(source, item.Model.SetsParent, Entry(item), $"{Names.Save}(ref writer, {Version(item)})");
        }));
        source.Block(MemberCode.Within(item.Wire.Name, "i"), () => source.Line("throw;"));
    }

    public static void Load(SourceWriter source, BoundItem item)
    {
        string name = SourceWriter.Utf8("marker");
        source.Line("int i = 0;");
        source.Block("try", () => source.Block($"for (; i < {MemberCode.Count(item)}; i++)", () =>
        {
            if (item.Wire.Nulls == NullMarking.Every)
            {
                source.Block($"if (!reader.NextEntry({name}))", () =>
                {
                    source.Line($"{Entry(item)} = null;");
                    source.Line("continue;");
                });
            }
            else
            {
                source.Block($"if ({Entry(item)} is null)", () =>
                {
                    source.Line($"reader.NullElement({name});");
                    source.Line("continue;");
                });
            }
            if (item.Wire.Shape is WireShape.Scalar scalar)
            {
                source.Line($"{Names.ReadOnlySpan}<byte> run = reader.Run({scalar.Kind.Size()}, {SourceWriter.Utf8("value:" + scalar.Kind.Size())});");
                source.Line($"{Entry(item)} = {ScalarCode.ToMember(item.Model with { Type = Plain(item) }, ScalarCode.Read(scalar.Kind, "run", 0))};");
                return;
            }
            string target = item.Wire.Nulls == NullMarking.Every ? $"({Entry(item)} ??= new {item.Model.Type}())" : Entry(item);
            MemberCode.Call(source, item.Model.SetsParent, target, $"{Names.Load}(ref reader, {Version(item)})");
        }));
        source.Block(MemberCode.Within(item.Wire.Name, "i"), () => source.Line("throw;"));
    }

    /// <summary>Runs of nulls and of others; QEMU describes each run as an array of its own (§4.1).</summary>
    public static void Describe(SourceWriter source, BoundItem item, string count)
    {
        string name = SourceWriter.Utf8(item.Model.TrailerName);
        bool isCompressible = item.Linked.IsCompressible && item.Wire.Nulls == NullMarking.Nulls;
        string member = item.Model.Member + "!";
        string offset = item.Model.Start > 0 ? $"{item.Model.Start} + " : "";
        source.Line($"int count = {count};");
        source.Block("for (int first = 0, next; first < count; first = next)", () =>
        {
            source.Line($"bool isNull = {member}[{offset}first] is null;");
            source.Line("next = first + 1;");
            source.Line($"while (next < count && {member}[{offset}next] is null == isNull)");
            source.Indented(() => source.Line("next++;"));
            source.Block("if (isNull)", () =>
            {
                source.Line($"writer.Array({name}, writer.NullType, 1, next - first, {(isCompressible ? "true" : "false")});");
                source.Line("continue;");
            });
            if (item.Wire.Shape is WireShape.Scalar scalar)
            {
                string size = (scalar.Kind.Size() + (item.Wire.Nulls == NullMarking.Every ? 1 : 0)).ToString(CultureInfo.InvariantCulture);
                source.Line($"writer.Array({name}, {SourceWriter.Utf8(item.Model.TrailerType)}, {size}, next - first, {(isCompressible ? "true" : "false")});");
                return;
            }
            string last = isCompressible ? "first + 1" : "next";
            source.Block($"for (int i = first; i < {last}; i++)", () =>
            {
                source.Line($"var mark = writer.BeginStruct({name}, {SourceWriter.Utf8(item.Linked.Nested!.Name)}, {Version(item)}, i - first, next - first, {(isCompressible ? "true" : "false")}{MemberCode.Opaque(item)});");
                if (item.Wire.Nulls == NullMarking.Every)
                    source.Line("writer.Skip(1);");
                MemberCode.Call(source, item.Model.SetsParent, $"{member}[{offset}i]!", $"{Names.Describe}(ref writer, {Version(item)})");
                source.Line("writer.EndStruct(mark);");
            });
        });
    }

    private static string Placed(ScalarKind kind, BoundItem item) =>
        ScalarCode.Write(kind, $"writer.Run({kind.Size()})", 0, ScalarCode.FromMember(item.Model, kind, Entry(item) + ".Value")).Replace($".Slice(0, {kind.Size()})", "");

    /// <summary>An object array keeps its own indices, a span begins at the range.</summary>
    private static string Entry(BoundItem item) =>
        $"{MemberCode.Local(item)}[{(MemberCode.IsObject(item) && item.Model.Start > 0 ? $"{item.Model.Start} + i" : "i")}]";

    private static string Plain(BoundItem item) => item.Model.Type.TrimEnd('?');

    private static string Version(BoundItem item) => item.Linked.Nested!.Version.ToString(CultureInfo.InvariantCulture);
}
