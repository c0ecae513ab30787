using System.Globalization;
using VmStateGen.Generator.Linking;

namespace VmStateGen.Generator.Emit;

/// <summary>State that is on the wire in a member's place (QEMU's WITH_TMP). Each method tells whether the item has one.</summary>
internal static class CompanionCode
{
    public static bool Save(SourceWriter source, BoundItem item) => Each(source, item, "writer", value =>
    {
        Begin(source, item, value);
        source.Line($"companion.{Names.Save}(ref writer, {Version(item)});");
    });

    public static bool Load(SourceWriter source, BoundItem item) => Each(source, item, "reader", value =>
    {
        Begin(source, item, value);
        source.Line($"companion.{Names.Load}(ref reader, {Version(item)});");
        source.Line($"companion.CopyTo(ref {value});");
    });

    public static bool Describe(SourceWriter source, BoundItem item)
    {
        if (item.Model.Via is null)
            return false;
        bool isCompressible = item.Linked.IsCompressible;
        bool isArray = MemberCode.HasElements(item);
        string count = MemberCode.Length(item).ToString(CultureInfo.InvariantCulture);
        string value = isArray ? item.Model.Member + "![i]" : item.Model.Member;
        if (isArray)
            source.Block($"for (int i = 0; i < {(isCompressible ? "1" : count)}; i++)", Element);
        else
            Element();
        return true;

        void Element()
        {
            string place = isArray ? $", i, {count}, {(isCompressible ? "true" : "false")}" : "";
            source.Line($"var mark = writer.BeginStates({SourceWriter.Utf8(item.Model.TrailerName)}, {SourceWriter.Utf8(item.Model.TrailerType)}{place}{MemberCode.Opaque(item)});");
            Begin(source, item, value);
            source.Line($"writer.BeginInline({SourceWriter.Utf8(item.Linked.Nested!.Name)}, {Version(item)});");
            source.Line($"companion.{Names.Describe}(ref writer, {Version(item)});");
            source.Line("writer.EndStruct(mark);");
        }
    }

    private static void Begin(SourceWriter source, BoundItem item, string value)
    {
        source.Line($"var companion = new {item.Model.Via}();");
        if (item.Model.SetsParent)
            source.Line($"companion.{Names.SetParent}(this);");
        source.Line($"companion.CopyFrom({value});");
    }

    /// <summary>Runs the code over the member, or over each element; a property is copied out and, if it can be set, in again.</summary>
    private static bool Each(SourceWriter source, BoundItem item, string stream, System.Action<string> body)
    {
        if (item.Model.Via is null)
            return false;
        if (!MemberCode.HasElements(item))
        {
            bool isCopied = stream == "reader" && (item.Model.IsProperty || item.Model.IsReadOnly);
            if (isCopied)
                source.Line($"var value = {item.Model.Member};");
            source.Block("try", () => body(isCopied ? "value" : item.Model.Member));
            source.Block(MemberCode.Within(item.Wire.Name), () => source.Line("throw;"));
            if (isCopied && !item.Model.IsReadOnly)
                source.Line($"{item.Model.Member} = value;");
            return true;
        }
        if (stream == "reader" && !item.Model.IsReadOnly)
            source.Line($"{item.Model.Member} = {Names.Arrays}.Ensure<{item.Model.Type}>({item.Model.Member}, {MemberCode.Count(item)});");
        source.Line(MemberCode.DeclareElements(item, stream)!);
        source.Line("int i = 0;");
        source.Block("try", () => source.Block($"for (; i < {MemberCode.Count(item)}; i++)", () => body(MemberCode.Local(item) + "[i]")));
        source.Block(MemberCode.Within(item.Wire.Name, "i"), () => source.Line("throw;"));
        return true;
    }

    private static string Version(BoundItem item) => item.Linked.Nested!.Version.ToString(CultureInfo.InvariantCulture);
}
