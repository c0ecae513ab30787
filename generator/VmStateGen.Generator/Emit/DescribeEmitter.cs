using System.Globalization;
using System.Linq;
using VmStateGen.Generator.Linking;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>The describing part of a type: what a save writes now, for the stream's trailer (qemu-migration.md §4.1).</summary>
internal sealed class DescribeEmitter(SourceWriter source, LinkedType type)
{
    private const string WriterParameter = "ref " + Names.Description + " writer, int version";

    /// <summary>The public method: hooks, fields, subsections.</summary>
    public static void Method(SourceWriter source, LinkedType type)
    {
        HookModel hooks = type.Model.Hooks;
        HookCode.Call(source, hooks.BeforeSave, "", "-1");
        if (hooks.AfterSave is null)
        {
            new DescribeEmitter(source, type).Body();
            return;
        }
        source.Block("try", () => new DescribeEmitter(source, type).Body());
        source.Block("finally", () => HookCode.Call(source, hooks.AfterSave, "", "-1"));
    }

    /// <summary>One private method for each set of versions with the same items, and for each flat subsection.</summary>
    public void Bodies()
    {
        Body(new BodyPlan(type, null), "");
        for (int i = 0; i < type.Model.Subsections.Count; i++)
        {
            if (type.Model.Schema.Subsections[i] is { Type: null } flat)
                Body(new BodyPlan(type, flat), "Subsection" + i);
        }
    }

    private void Body()
    {
        var plan = new BodyPlan(type, null);
        source.Line("writer.BeginFields();");
        VersionCode.Dispatch(source, plan, "__Describe", "ref writer, version", null, range => Items(plan, range));
        source.Line("writer.EndFields();");
        if (type.Model.Subsections.Count == 0)
            return;
        source.Line("bool any = false;");
        for (int i = 0; i < type.Model.Subsections.Count; i++)
            Subsection(i);
        source.Line("writer.EndSubsections(any);");
    }

    private void Subsection(int index)
    {
        SubsectionSchema schema = type.Model.Schema.Subsections[index];
        SubsectionModel model = type.Model.Subsections[index];
        source.Block($"if ({SubsectionCode.IsSent(model)})", () =>
        {
            int version = schema.Type is null ? schema.Version : type.Subsections[index].Version;
            source.Line($"writer.BeginSubsection(!any, {SourceWriter.Utf8(schema.Name)}, {version});");
            source.Line("any = true;");
            if (schema.Type is null)
            {
                source.Line("writer.BeginFields();");
                source.Line($"__DescribeSubsection{index}Version{schema.Version}(ref writer, {schema.Version});");
                source.Line("writer.EndFields();");
            }
            else
            {
                MemberCode.Call(source, model.SetsParent, model.Member + (model.IsStruct ? "" : "!"), $"{Names.Describe}(ref writer, {version})");
            }
            source.Line("writer.EndSubsection();");
        });
    }

    private void Body(BodyPlan plan, string prefix)
    {
        foreach (VersionRange range in prefix.Length == 0 ? plan.Ranges.Skip(1) : plan.Ranges.Take(1))
        {
            source.Line();
            source.Block($"private void __Describe{prefix}Version{range.Last}({WriterParameter})", () => Items(plan, range));
        }
    }

    private void Items(BodyPlan plan, VersionRange range)
    {
        foreach (BoundItem item in plan.At(range))
            Conditional(item);
    }

    private void Conditional(BoundItem item)
    {
        if (item.Model.When is Predicate when)
            source.Block($"if ({when.Expression})", () => Item(item));
        else if (item.Linked.Nested is not null || item.Wire.Nulls is not null)
            source.Block("", () => Item(item));
        else
            Item(item);
    }

    private void Item(BoundItem item)
    {
        string name = SourceWriter.Utf8(item.Model.TrailerName);
        string typeName = SourceWriter.Utf8(item.Model.TrailerType);
        string count = item.Model.Count is null
            ? MemberCode.Length(item).ToString(CultureInfo.InvariantCulture)
            : MemberCode.CountExpression(item, "-1");
        if (item.Model.Codec is string codec)
        {
            source.Line($"writer.Field({name}, {typeName}, {codec}.Measure({item.Model.Member}));");
            return;
        }
        if (CollectionCode.Describe(source, item) || CompanionCode.Describe(source, item))
            return;
        if (item.Wire.Nulls is not null)
        {
            NullableCode.Describe(source, item, count);
            return;
        }
        switch (item.Wire.Shape)
        {
            case WireShape.Padding padding:
                source.Line($"writer.Field({name}, {typeName}, {(item.Model.Count is null ? padding.Size.ToString(CultureInfo.InvariantCulture) : $"{count} * {padding.Size}")});");
                break;
            case WireShape.Bitmap:
                source.Line($"writer.Field({name}, {typeName}, {(MemberCode.IsWords(item) ? count : $"{Names.Bits}.Words({count})")} * 8);");
                break;
            case WireShape.Bytes:
                source.Line($"writer.Field({name}, {typeName}, {count});");
                break;
            case WireShape.Scalar { Array: null } scalar:
                source.Line($"writer.Field({name}, {typeName}, {scalar.Kind.Size()});");
                break;
            case WireShape.Scalar scalar:
                source.Line($"writer.Array({name}, {typeName}, {scalar.Kind.Size()}, {count}, {Literal(item.Linked.IsCompressible)});");
                break;
            case WireShape.State:
                Nested(item, name, count);
                break;
        }
    }

    private void Nested(BoundItem item, string name, string count)
    {
        NestedUse nested = item.Linked.Nested!;
        string stateName = SourceWriter.Utf8(nested.Name);
        string isVersioned = item.Wire.StructVersion is null ? "" : ", versioned: true";
        string opaque = MemberCode.Opaque(item);
        if (MemberCode.Extent(item) is null)
        {
            string target = item.Model.Form switch
            {
                MemberForm.Base => "base",
                MemberForm.Value => MemberCode.IsObject(item) ? $"({item.Model.Member} ?? throw {Names.Errors}.Missing(-1))" : item.Model.Member,
                _ => $"{item.Model.Member}![{item.Model.Start}]" + (MemberCode.IsObject(item) ? "!" : ""),
            };
            source.Line($"var mark = writer.BeginStruct({name}, {stateName}, {nested.Version}{isVersioned}{opaque});");
            MemberCode.Call(source, item.Model.SetsParent, target, $"{Names.Describe}(ref writer, {nested.Version})");
            source.Line("writer.EndStruct(mark);");
            return;
        }
        bool isCompressible = item.Linked.IsCompressible;
        source.Line($"int count = {count};");
        source.Block(isCompressible ? "for (int i = 0; i < count && i < 1; i++)" : "for (int i = 0; i < count; i++)", () =>
        {
            source.Line($"var mark = writer.BeginStruct({name}, {stateName}, {nested.Version}, i, count, {Literal(isCompressible)}{isVersioned}{opaque});");
            string index = item.Model.Start > 0 ? $"{item.Model.Start} + i" : "i";
            string element = item.Model.Form switch
            {
                MemberForm.Array => $"{item.Model.Member}![{index}]" + (MemberCode.IsObject(item) ? "!" : ""),
                MemberForm.Memory => $"{item.Model.Member}.Span[{index}]",
                MemberForm.Array2D => $"{item.Model.Member}![i / {MemberCode.Extent(item)!.Dimensions[1]}, i % {MemberCode.Extent(item)!.Dimensions[1]}]",
                _ => $"{item.Model.Member}[{index}]",
            };
            MemberCode.Call(source, item.Model.SetsParent, element, $"{Names.Describe}(ref writer, {nested.Version})");
            source.Line("writer.EndStruct(mark);");
        });
    }

    private static string Literal(bool value) => value ? "true" : "false";
}
