using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Generator.Linking;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>The saving half of a type.</summary>
internal sealed class SaveEmitter(SourceWriter source, LinkedType type)
{
    private const string WriterParameter = "ref " + Names.Writer + " writer, int version";

    /// <summary>The public method: hooks, checks, fields, subsections.</summary>
    public static void Method(SourceWriter source, LinkedType type)
    {
        HookModel hooks = type.Model.Hooks;
        HookCode.Call(source, hooks.BeforeSave, "", "writer.Offset");
        if (hooks.AfterSave is null)
        {
            new SaveEmitter(source, type).Body();
            return;
        }
        source.Block("try", () => new SaveEmitter(source, type).Body());
        source.Block("finally", () => HookCode.Call(source, hooks.AfterSave, "", "writer.Offset"));
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
        if (type.IsRun)
            RunMethods(new BodyPlan(type, null));
    }

    private void Body()
    {
        foreach (ValidationModel validation in type.Model.Validations)
        {
            source.Line($"if (!{validation.Predicate.Expression})");
            source.Indented(() => source.Line($"throw {Names.Errors}.Invalid({SourceWriter.Quote(validation.Reason)}, writer.Offset);"));
        }
        var plan = new BodyPlan(type, null);
        VersionCode.Dispatch(source, plan, "__Save", "ref writer, version", "writer", range => Items(plan, plan.At(range)));
        for (int i = 0; i < type.Model.Subsections.Count; i++)
            Subsection(i);
    }

    private void Subsection(int index)
    {
        SubsectionSchema schema = type.Model.Schema.Subsections[index];
        SubsectionModel model = type.Model.Subsections[index];
        source.Block($"if ({SubsectionCode.IsSent(model)})", () =>
        {
            int version = schema.Type is null ? schema.Version : type.Subsections[index].Version;
            source.Line($"writer.WriteSubsection({SourceWriter.Utf8(schema.Name)}, {version});");
            source.Block("try", () =>
            {
                if (schema.Type is null)
                    source.Line($"__SaveSubsection{index}Version{schema.Version}(ref writer, {schema.Version});");
                else
                    MemberCode.Call(source, model.SetsParent, model.IsStruct ? model.Member! : $"({model.Member} ?? throw {Names.Errors}.Missing(writer.Offset))", $"{Names.Save}(ref writer, {version})");
            });
            source.Block(MemberCode.Within(schema.Name), () => source.Line("throw;"));
        });
    }

    private void Body(BodyPlan plan, string prefix)
    {
        // A subsection is only ever saved at its own version; the state's newest stands in the public method.
        foreach (VersionRange range in prefix.Length == 0 ? plan.Ranges.Skip(1) : plan.Ranges.Take(1))
        {
            source.Line();
            source.Block($"private void __Save{prefix}Version{range.Last}({WriterParameter})", () => Items(plan, plan.At(range)));
        }
    }

    private void Items(BodyPlan plan, IEnumerable<BoundItem> items)
    {
        foreach (LayoutStep step in plan.Steps(items))
        {
            if (step is LayoutStep.Run run)
                Run(plan, run);
            else
                Single(plan.Find(((LayoutStep.Single)step).Item));
        }
    }

    private void Run(BodyPlan plan, LayoutStep.Run run)
    {
        source.Block("", () =>
        {
            foreach (PlacedItem placed in run.Items)
                Declare(plan.Find(placed.Item));
            source.Line($"{Names.Span}<byte> run = writer.Run({run.Size});");
            Words(plan, run.Items, placed => $"writer.Offset - {run.Size - placed.Offset}");
        });
    }

    /// <summary>The methods by which a parent puts the state into its own run.</summary>
    private void RunMethods(BodyPlan plan)
    {
        foreach (VersionRange range in plan.Ranges)
        {
            List<PlacedItem> items = plan.Steps(plan.At(range)).OfType<LayoutStep.Run>().SelectMany(run => run.Items).ToList();
            source.Line();
            RunCode.Attribute(source, items.Count, isPart: true);
            source.Block($"internal void {Names.SaveRun}{range.Last}({Names.Span}<byte> run)", () =>
            {
                source.Line(RunCode.FixLength(items));
                foreach (PlacedItem placed in items)
                    Declare(plan.Find(placed.Item));
                Words(plan, items, _ => "-1");
            });
        }
    }

    private void Declare(BoundItem item)
    {
        if (MemberCode.DeclareElements(item, "writer") is string declaration)
            source.Line(declaration);
    }

    private void Words(BodyPlan plan, IReadOnlyList<PlacedItem> items, Func<PlacedItem, string> position)
    {
        foreach (RunWord word in RunWord.Cut(items))
        {
            if (word.IsShared)
                ScalarCode.WriteWord(source, word, placed => Value(plan.Find(placed.Item), position(placed)));
            else
                Placed(plan.Find(word.Items[0].Item), word.Offset, word.Items[0].Size, position(word.Items[0]));
        }
    }

    private void Placed(BoundItem item, int offset, int size, string position)
    {
        switch (item.Wire.Shape)
        {
            case WireShape.Padding:
                source.Line($"run.Slice({offset}, {size}).Clear();");
                break;
            case WireShape.Scalar { Array: null }:
                Scalar(item, offset, position);
                break;
            case WireShape.Scalar { Kind: ScalarKind.Guid }:
                source.Line($"for (int i = 0; i < {MemberCode.Length(item)}; i++)");
                source.Indented(() => source.Line($"{MemberCode.Local(item)}[i].TryWriteBytes(run.Slice({offset} + i * 16, 16), true, out _);"));
                break;
            case WireShape.Scalar scalar:
                source.Line(scalar.Kind == ScalarKind.Bool
                    ? $"{Names.BigEndian}.Write({MemberCode.Local(item)}, run.Slice({offset}, {size}));"
                    : $"{Names.BigEndian}.Write<{item.Model.Type}>({MemberCode.Local(item)}, run.Slice({offset}, {size}));");
                break;
            case WireShape.Bitmap:
                source.Line($"{Names.BigEndian}.Write<ulong>({MemberCode.Local(item)}, run.Slice({offset}, {size}));");
                break;
            case WireShape.Bytes:
                source.Line($"{MemberCode.Local(item)}.CopyTo(run.Slice({offset}, {size}));");
                break;
            case WireShape.State { Array: null }:
                source.Line($"{MemberCode.Value(item)}.{Names.SaveRun}{item.Linked.Nested!.RunVersion}(run.Slice({offset}, {size}));");
                break;
            case WireShape.State:
                int element = item.Linked.ElementSize!.Value;
                source.Line($"for (int i = 0; i < {MemberCode.Length(item)}; i++)");
                source.Indented(() => source.Line(
                    $"{MemberCode.Local(item)}[i].{Names.SaveRun}{item.Linked.Nested!.RunVersion}(run.Slice({offset} + i * {element}, {element}));"));
                break;
        }
    }

    private void Scalar(BoundItem item, int offset, string position)
    {
        (ScalarKind kind, string value) = Value(item, position);
        source.Line(ScalarCode.Write(kind, "run", offset, value));
    }

    /// <summary>An expression of the wire's type, after the statements that it needs.</summary>
    private (ScalarKind Kind, string Text) Value(BoundItem item, string position)
    {
        ScalarKind kind = ((WireShape.Scalar)item.Wire.Shape).Kind;
        string value = MemberCode.Value(item);
        if (item.Model.Natural is not ScalarKind natural)
            return (kind, ScalarCode.FromMember(item.Model, kind, value));
        string number = ScalarCode.FromMember(item.Model, natural, value);
        string wire = $"wire{item.Index}";
        source.Line($"{ScalarCode.Type(kind)} {wire} = {ConversionCode.Convert(natural, kind, number)};");
        if (ConversionCode.Lost(natural, kind, number, wire) is string lost)
        {
            source.Line($"if ({lost})");
            source.Indented(() => source.Line(
                $"{Names.Errors}.ThrowRange({MemberCode.Name(item)}, {SourceWriter.Quote("a value that fits into " + kind.Token())}, {number}, {position});"));
        }
        return (kind, wire);
    }

    /// <summary>An item that is no part of a run: conditional, counted, nested or large.</summary>
    private void Single(BoundItem item)
    {
        if (item.Model.When is Predicate when)
            source.Block($"if ({when.Expression})", () => SingleBody(item));
        else
            source.Block("", () => SingleBody(item));
    }

    private void SingleBody(BoundItem item)
    {
        if (item.Model.Codec is string codec)
        {
            source.Block("try", () => source.Line($"{codec}.Save(ref writer, {item.Model.Member});"));
            source.Block(MemberCode.Within(item.Wire.Name), () => source.Line("throw;"));
            return;
        }
        if (MemberCode.DeclareCount(item, "writer") is string count)
            source.Line(count);
        if (CollectionCode.Save(source, item) || CompanionCode.Save(source, item))
            return;
        Declare(item);
        if (item.Wire.Nulls is not null)
        {
            NullableCode.Save(source, item);
            return;
        }
        if (item.Wire.Shape is WireShape.State)
        {
            Nested(item);
            return;
        }
        if (item.Wire.Shape is WireShape.Padding padding)
        {
            source.Line(item.Model.Count is null ? $"writer.WriteZeros({padding.Size});" : $"writer.WriteZeros(checked({MemberCode.Count(item)} * {padding.Size}));");
            return;
        }
        switch (item.Wire.Shape)
        {
            case WireShape.Scalar { Kind: ScalarKind.Fd }:
                source.Line($"writer.WriteDescriptor({item.Model.Member}, {MemberCode.Name(item)});");
                break;
            case WireShape.Scalar { Array: null } scalar:
                source.Line($"{Names.Span}<byte> run = writer.Run({scalar.Kind.Size()});");
                Scalar(item, 0, $"writer.Offset - {scalar.Kind.Size()}");
                break;
            case WireShape.Bytes:
                source.Line($"writer.WriteBytes({MemberCode.Local(item)});");
                break;
            case WireShape.Scalar { Kind: ScalarKind.Guid }:
                source.Block($"for (int i = 0; i < {MemberCode.Count(item)}; i++)", () =>
                    source.Line($"{MemberCode.Local(item)}[i].TryWriteBytes(writer.Run(16), true, out _);"));
                break;
            case WireShape.Scalar { Kind: ScalarKind.Bool }:
                source.Line($"writer.WriteArray({MemberCode.Local(item)});");
                break;
            default:
                source.Line($"writer.WriteArray<{item.Model.Type}>({MemberCode.Local(item)});");
                break;
        }
    }

    private void Nested(BoundItem item)
    {
        string version = item.Linked.Nested!.Version.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (item.Model.Form == MemberForm.Base)
        {
            source.Block("try", () => source.Line($"base.{Names.Save}(ref writer, {version});"));
            source.Block(MemberCode.Within(item.Wire.Name), () => source.Line("throw;"));
            return;
        }
        if (MemberCode.Extent(item) is null)
        {
            string value = MemberCode.HasElements(item) && MemberCode.IsObject(item) ? $"{MemberCode.Local(item)}[{item.Model.Start}]" : MemberCode.Value(item);
            source.Block("try", () => MemberCode.Call(source, item.Model.SetsParent, Existing(item, value), $"{Names.Save}(ref writer, {version})"));
            source.Block(MemberCode.Within(item.Wire.Name), () => source.Line("throw;"));
            return;
        }
        source.Line("int i = 0;");
        source.Block("try", () =>
        {
            string index = MemberCode.IsObject(item) && item.Model.Start > 0 ? $"{item.Model.Start} + i" : "i";
            source.Block($"for (; i < {MemberCode.Count(item)}; i++)", () =>
                MemberCode.Call(source, item.Model.SetsParent, Existing(item, $"{MemberCode.Local(item)}[{index}]"), $"{Names.Save}(ref writer, {version})"));
        });
        source.Block(MemberCode.Within(item.Wire.Name, "i"), () => source.Line("throw;"));
    }

    private static string Existing(BoundItem item, string value) =>
        MemberCode.IsObject(item) ? $"({value} ?? throw {Names.Errors}.Missing(writer.Offset))" : value;
}
