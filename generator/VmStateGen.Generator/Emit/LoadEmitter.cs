using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using VmStateGen.Generator.Linking;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>The loading half of a type.</summary>
internal sealed class LoadEmitter(SourceWriter source, LinkedType type)
{
    private const string ReaderParameter = "ref " + Names.Reader + " reader, int version";

    /// <summary>The public method: hooks, fields, subsections.</summary>
    public static void Method(SourceWriter source, LinkedType type)
    {
        HookModel hooks = type.Model.Hooks;
        var plan = new BodyPlan(type, null);
        if (hooks.BeforeLoad is not null)
        {
            source.Line($"if (version < {plan.MinimumVersion} || version > {plan.Version})");
            source.Indented(() => source.Line($"throw {Names.Errors}.Version(version, {plan.MinimumVersion}, {plan.Version}, reader.Offset);"));
            HookCode.Call(source, hooks.BeforeLoad, "", "reader.Offset");
        }
        var emitter = new LoadEmitter(source, type);
        VersionCode.Dispatch(source, plan, "__Load", "ref reader, version", "reader", range => emitter.Range(plan, range, isState: true));
        emitter.Subsections();
        HookCode.Call(source, hooks.AfterLoad, hooks.AfterLoadTakesVersion ? "version" : "", "reader.Offset");
    }

    /// <summary>One private method for each set of versions with the same items, also of each flat subsection.</summary>
    public void Bodies()
    {
        Body(new BodyPlan(type, null), "");
        for (int i = 0; i < type.Model.Subsections.Count; i++)
        {
            if (type.Model.Schema.Subsections[i] is not { Type: null } flat)
                continue;
            var plan = new BodyPlan(type, flat);
            source.Line();
            source.Block($"private void __LoadSubsection{i}({ReaderParameter})", () =>
                VersionCode.Dispatch(source, plan, "__LoadSubsection" + i, "ref reader, version", "reader", range => Range(plan, range, isState: false)));
            Body(plan, "Subsection" + i);
        }
        if (type.IsRun)
            RunMethods(new BodyPlan(type, null));
    }

    private void Body(BodyPlan plan, string prefix)
    {
        foreach (VersionRange range in plan.Ranges.Skip(1))
        {
            source.Line();
            source.Block($"private void __Load{prefix}Version{range.Last}({ReaderParameter})", () => Range(plan, range, isState: prefix.Length == 0));
        }
    }

    private void Range(BodyPlan plan, VersionRange range, bool isState)
    {
        foreach (BoundItem item in plan.Items.Where(item => item.Model.Default is not null && !item.Wire.IsInVersion(range.Last)))
            source.Line($"{item.Model.Member} = {item.Model.Default};");
        Items(plan, plan.At(range).ToList(), isState);
    }

    /// <summary>Cuts the items where a check stands, so that it sees what is before it and nothing behind it is loaded yet.</summary>
    private void Items(BodyPlan plan, IReadOnlyList<BoundItem> items, bool isState)
    {
        int next = 0;
        foreach (ValidationModel validation in isState ? type.Model.Validations : default)
        {
            List<BoundItem> before = items.Skip(next).TakeWhile(item => item.Index < validation.ItemIndex).ToList();
            Steps(plan, before);
            next += before.Count;
            source.Line($"if (!{validation.Predicate.Expression})");
            source.Indented(() => source.Line($"throw {Names.Errors}.Invalid({SourceWriter.Quote(validation.Reason)}, reader.Offset);"));
        }
        Steps(plan, items.Skip(next));
    }

    private void Steps(BodyPlan plan, IEnumerable<BoundItem> items)
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
        List<BoundItem> items = run.Items.Select(placed => plan.Find(placed.Item)).ToList();
        source.Block("", () =>
        {
            foreach (BoundItem item in items)
                Declare(item);
            if (items.Any(item => item.Wire.Expect != Expectation.None || item.Model.Natural is not null))
                source.Line("long start = reader.Offset;");
            string map = RunMapText.Join(items.Select(item => RunMapText.Item(item.Wire, item.Linked.Nested?.RunMap)));
            bool isOnlyPadding = items.All(item => item.Wire.Shape is WireShape.Padding);
            source.Line(isOnlyPadding
                ? $"reader.Run({run.Size}, {SourceWriter.Utf8(map)});"
                : $"{Names.ReadOnlySpan}<byte> run = reader.Run({run.Size}, {SourceWriter.Utf8(map)});");
            Words(plan, run.Items, placed => "start + " + placed.Offset.ToString(CultureInfo.InvariantCulture));
        });
    }

    /// <summary>The methods by which a parent reads the state from its own run.</summary>
    private void RunMethods(BodyPlan plan)
    {
        foreach (VersionRange range in plan.Ranges)
        {
            List<PlacedItem> items = plan.Steps(plan.At(range)).OfType<LayoutStep.Run>().SelectMany(run => run.Items).ToList();
            source.Line();
            RunCode.Attribute(source, items.Count, isPart: true);
            source.Block($"internal void {Names.LoadRun}{range.Last}({Names.ReadOnlySpan}<byte> run)", () =>
            {
                source.Line(RunCode.FixLength(items));
                foreach (PlacedItem placed in items)
                    Declare(plan.Find(placed.Item), "-1");
                Words(plan, items, _ => "-1");
            });
        }
    }

    /// <summary>Makes sure that an array is there, and declares the local with its elements.</summary>
    private void Declare(BoundItem item, string stream = "reader")
    {
        bool isWhole = item.Model is { Form: MemberForm.Array or MemberForm.Memory, Start: 0, IsReadOnly: false };
        if (item.Model is { Form: MemberForm.Array2D, IsReadOnly: false })
        {
            source.Line($"{item.Model.Member} = {Names.Arrays}.Ensure<{item.Model.Type}>({item.Model.Member}, {MemberCode.Rows(item)});");
        }
        else if (isWhole)
        {
            string element = MemberCode.IsObject(item) ? item.Model.Type + "?" : item.Model.Type;
            source.Line($"{item.Model.Member} = {Names.Arrays}.Ensure<{element}>({item.Model.Member}, {MemberCode.Count(item)});");
        }
        if (MemberCode.DeclareElements(item, stream) is string declaration)
            source.Line(declaration);
    }

    private void Words(BodyPlan plan, IReadOnlyList<PlacedItem> items, Func<PlacedItem, string> position)
    {
        foreach (RunWord word in RunWord.Cut(items))
        {
            BoundItem first = plan.Find(word.Items[0].Item);
            if (!word.IsShared)
            {
                Placed(first, word.Offset, word.Items[0].Size, position(word.Items[0]));
                continue;
            }
            string name = $"word{first.Index}";
            source.Line(ScalarCode.ReadWord(word, name));
            foreach (PlacedItem placed in word.Items)
                Scalar(plan.Find(placed.Item), kind => ScalarCode.FromWord(kind, name, word.Shift(placed)), position(placed));
        }
    }

    private void Placed(BoundItem item, int offset, int size, string position)
    {
        string local = MemberCode.Local(item);
        switch (item.Wire.Shape)
        {
            case WireShape.Scalar { Array: null }:
                Scalar(item, kind => ScalarCode.Read(kind, "run", offset), position);
                break;
            case WireShape.Scalar { Kind: ScalarKind.Guid }:
                source.Line($"for (int i = 0; i < {MemberCode.Length(item)}; i++)");
                source.Indented(() => source.Line($"{local}[i] = new global::System.Guid(run.Slice({offset} + i * 16, 16), true);"));
                break;
            case WireShape.Scalar scalar:
                source.Line(scalar.Kind == ScalarKind.Bool
                    ? $"{Names.BigEndian}.Read(run.Slice({offset}, {size}), {local});"
                    : $"{Names.BigEndian}.Read<{item.Model.Type}>(run.Slice({offset}, {size}), {local});");
                break;
            case WireShape.Bitmap:
                source.Line($"{Names.BigEndian}.Read<ulong>(run.Slice({offset}, {size}), {local});");
                break;
            case WireShape.Bytes:
                source.Line($"run.Slice({offset}, {size}).CopyTo({local});");
                break;
            case WireShape.State { Array: null }:
                source.Line($"{MemberCode.Value(item)}.{Names.LoadRun}{item.Linked.Nested!.RunVersion}(run.Slice({offset}, {size}));");
                break;
            case WireShape.State:
                int element = item.Linked.ElementSize!.Value;
                source.Line($"for (int i = 0; i < {MemberCode.Length(item)}; i++)");
                source.Indented(() => source.Line($"{local}[i].{Names.LoadRun}{item.Linked.Nested!.RunVersion}(run.Slice({offset} + i * {element}, {element}));"));
                break;
        }
    }

    private void Scalar(BoundItem item, Func<ScalarKind, string> reading, string position)
    {
        ScalarKind kind = ((WireShape.Scalar)item.Wire.Shape).Kind;
        string target = MemberCode.Value(item);
        string read = reading(kind);
        if (item.Wire.Expect == Expectation.None && item.Model.Natural is null)
        {
            source.Line($"{target} = {ScalarCode.ToMember(item.Model, read)};");
            return;
        }
        ScalarKind natural = item.Model.Natural ?? kind;
        string wire = $"wire{item.Index}";
        string number = ScalarCode.FromMember(item.Model, natural, target);
        source.Line($"{ScalarCode.Type(kind)} {wire} = {read};");
        if (natural != kind && ConversionCode.Lost(kind, natural, wire, $"unchecked(({ScalarCode.Type(natural)}){wire})") is string lost)
        {
            source.Line($"if ({lost})");
            source.Indented(() => source.Line(
                $"{Names.Errors}.ThrowRange({MemberCode.Name(item)}, {SourceWriter.Quote("a value that fits into " + natural.Token())}, {wire}, {position});"));
        }
        string value = natural == kind ? wire : ConversionCode.Convert(kind, natural, wire);
        switch (item.Wire.Expect)
        {
            case Expectation.Equal:
                source.Line($"if (({value}) != {number})");
                source.Indented(() => source.Line($"{Names.Errors}.ThrowNotEqual({MemberCode.Name(item)}, {number}, {value}, {position});"));
                return;
            case Expectation.NotAbove:
                source.Line($"if (({value}) > {number} || {wire} < 0)");
                source.Indented(() => source.Line($"{Names.Errors}.ThrowAbove({MemberCode.Name(item)}, {number}, {value}, {position});"));
                break;
        }
        source.Line($"{target} = {ScalarCode.ToMember(item.Model, value)};");
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
            Codec(item, codec);
            return;
        }
        if (MemberCode.DeclareCount(item, "reader") is string count)
        {
            source.Line(count);
            if (IsCountedNumbers(item))
            {
                source.Line($"{item.Model.Member} = reader.ReadCounted<{item.Model.Type}>({item.Model.Member}, {MemberCode.Count(item)}, {MemberCode.Name(item)});");
                return;
            }
            int? element = item.Wire.Nulls is not null ? 1 : MemberCode.IsWords(item) ? 8 : item.Wire.Shape is WireShape.Bitmap ? null : item.Linked.ElementSize;
            if (element > 0)
                source.Line($"reader.Require((long){MemberCode.Count(item)} * {element}, {MemberCode.Name(item)});");
        }
        if (CollectionCode.Load(source, item) || CompanionCode.Load(source, item))
            return;
        Declare(item);
        if (item.Wire.Nulls is not null)
        {
            NullableCode.Load(source, item);
            return;
        }
        string local = MemberCode.Local(item);
        switch (item.Wire.Shape)
        {
            case WireShape.State:
                Nested(item);
                break;
            case WireShape.Padding padding:
                source.Line(item.Model.Count is null
                    ? $"reader.Skip({padding.Size}, {MemberCode.Name(item)});"
                    : $"reader.Skip(checked({MemberCode.Count(item)} * {padding.Size}), {MemberCode.Name(item)});");
                break;
            case WireShape.Scalar { Kind: ScalarKind.Fd }:
                source.Line($"{item.Model.Member} = reader.ReadDescriptor({MemberCode.Name(item)});");
                break;
            case WireShape.Scalar { Array: null } scalar:
                source.Line("long start = reader.Offset;");
                source.Line($"{Names.ReadOnlySpan}<byte> run = reader.Run({scalar.Kind.Size()}, {SourceWriter.Utf8(RunMapText.Item(item.Wire, null))});");
                Scalar(item, kind => ScalarCode.Read(kind, "run", 0), "start");
                break;
            case WireShape.Bytes:
                source.Line($"reader.ReadBytes({local}, {MemberCode.Name(item)});");
                break;
            case WireShape.Scalar { Kind: ScalarKind.Guid }:
                source.Block($"for (int i = 0; i < {MemberCode.Count(item)}; i++)", () =>
                    source.Line($"{local}[i] = new global::System.Guid(reader.Run(16, {SourceWriter.Utf8(RunMapText.Item(item.Wire, null))}), true);"));
                break;
            case WireShape.Scalar { Kind: ScalarKind.Bool }:
                source.Line($"reader.ReadArray({local}, {MemberCode.Name(item)});");
                break;
            default:
                source.Line($"reader.ReadArray<{item.Model.Type}>({local}, {MemberCode.Name(item)});");
                break;
        }
    }

    /// <summary>An array of numbers that a load may replace, with a count from the stream or from configuration.</summary>
    private static bool IsCountedNumbers(BoundItem item) =>
        item.Model is { Form: MemberForm.Array, Start: 0, IsReadOnly: false, Via: null } && item.Wire.Nulls is null
        && (item.Wire.Shape is WireShape.Bytes or WireShape.Bitmap or WireShape.Scalar { Kind: not (ScalarKind.Bool or ScalarKind.Guid) });

    private void Codec(BoundItem item, string codec)
    {
        if (item.Model.IsProperty)
            source.Line($"var value = {item.Model.Member};");
        string target = item.Model.IsProperty ? "value" : item.Model.Member;
        source.Block("try", () => source.Line($"{codec}.Load(ref reader, ref {target});"));
        source.Block(MemberCode.Within(item.Wire.Name), () => source.Line("throw;"));
        if (item.Model.IsProperty)
            source.Line($"{item.Model.Member} = value;");
    }

    private void Nested(BoundItem item)
    {
        string version = item.Linked.Nested!.Version.ToString(CultureInfo.InvariantCulture);
        bool isObject = MemberCode.IsObject(item);
        if (MemberCode.Extent(item) is null)
        {
            bool isCopied = item.Model.IsProperty && !isObject && item.Model.Form == MemberForm.Value;
            if (isCopied)
                source.Line($"var value = {item.Model.Member};");
            string target = item.Model.Form == MemberForm.Base ? "base" : isCopied ? "value"
                : isObject ? Created(item.Model.Type, item.Model.CanCreate, MemberCode.HasElements(item) ? $"{MemberCode.Local(item)}[{item.Model.Start}]" : item.Model.Member)
                : MemberCode.Value(item);
            source.Block("try", () => MemberCode.Call(source, item.Model.SetsParent, target, $"{Names.Load}(ref reader, {version})"));
            source.Block(MemberCode.Within(item.Wire.Name), () => source.Line("throw;"));
            if (isCopied)
                source.Line($"{item.Model.Member} = value;");
            return;
        }
        source.Line("int i = 0;");
        source.Block("try", () =>
        {
            string index = isObject && item.Model.Start > 0 ? $"{item.Model.Start} + i" : "i";
            string element = $"{MemberCode.Local(item)}[{index}]";
            source.Block($"for (; i < {MemberCode.Count(item)}; i++)", () => MemberCode.Call(
                source, item.Model.SetsParent, isObject ? Created(item.Model.Type, item.Model.CanCreate, element) : element, $"{Names.Load}(ref reader, {version})"));
        });
        source.Block(MemberCode.Within(item.Wire.Name, "i"), () => source.Line("throw;"));
    }

    private static string Created(string type, bool canCreate, string value) =>
        canCreate ? $"({value} ??= new {type}())" : $"({value} ?? throw {Names.Errors}.Missing(reader.Offset))";

    private void Subsections()
    {
        StateSchema schema = type.Model.Schema;
        if (schema.Subsections.Count + schema.RemovedSubsections.Count == 0)
        {
            source.Line($"reader.EndState({SourceWriter.Utf8(schema.Name)});");
            return;
        }
        for (int i = 0; i < schema.Subsections.Count; i++)
        {
            if (NeedsArrival(type.Model.Subsections[i]))
                source.Line($"bool came{i} = false;");
        }
        source.Block($"while (reader.NextSubsection({SourceWriter.Utf8(schema.Name)}, out {Names.ReadOnlySpan}<byte> name, out int subsectionVersion))", () =>
        {
            string otherwise = "if";
            for (int i = 0; i < schema.Subsections.Count; i++)
            {
                int index = i;
                Arrival(ref otherwise, schema.Subsections[i].Name, () => Subsection(index));
            }
            for (int i = 0; i < schema.RemovedSubsections.Count; i++)
            {
                int index = i;
                Arrival(ref otherwise, schema.RemovedSubsections[i].Name, () =>
                {
                    source.Block("try", () => source.Line($"new {type.Model.RemovedSubsectionTypes[index]}().{Names.Load}(ref reader, subsectionVersion);"));
                    source.Block(MemberCode.Within(schema.RemovedSubsections[index].Name), () => source.Line("throw;"));
                });
            }
            source.Line("else");
            source.Indented(() => source.Line($"{Names.Errors}.ThrowUnknownSubsection(name, subsectionVersion, reader.Offset - 6 - name.Length);"));
        });
        for (int i = 0; i < schema.Subsections.Count; i++)
            AfterArrival(type.Model.Subsections[i], i);
    }

    private void Arrival(ref string otherwise, string name, System.Action body)
    {
        source.Block($"{otherwise} (global::System.MemoryExtensions.SequenceEqual(name, {SourceWriter.Utf8(name)}))", body);
        otherwise = "else if";
    }

    private void Subsection(int index)
    {
        SubsectionSchema schema = type.Model.Schema.Subsections[index];
        SubsectionModel model = type.Model.Subsections[index];
        bool isCopied = model.IsProperty && model.IsStruct;
        if (isCopied)
            source.Line($"var value = {model.Member};");
        source.Block("try", () =>
        {
            if (schema.Type is null)
                source.Line($"__LoadSubsection{index}(ref reader, subsectionVersion);");
            else
                MemberCode.Call(source, model.SetsParent, isCopied ? "value" : model.IsStruct ? model.Member! : Created(model.Type, model.CanCreate, model.Member!), $"{Names.Load}(ref reader, subsectionVersion)");
        });
        source.Block(MemberCode.Within(schema.Name), () => source.Line("throw;"));
        if (isCopied)
            source.Line($"{model.Member} = value;");
        if (NeedsArrival(model))
            source.Line($"came{index} = true;");
    }

    private static bool NeedsArrival(SubsectionModel model) => model.Present is not null || model.Absent is not null || model.ByNull;

    private void AfterArrival(SubsectionModel model, int index)
    {
        if (model.Present is not null)
            source.Line($"{model.Present} = came{index};");
        if (model.ByNull)
        {
            source.Line($"if (!came{index})");
            source.Indented(() => source.Line($"{model.Member} = null;"));
        }
        if (model.Absent is not null)
            source.Block($"if (!came{index})", () => HookCode.Call(source, model.Absent, "", "reader.Offset"));
    }
}
