using VmStateGen.Generator.Linking;
using VmStateGen.Parsing;

namespace VmStateGen.Generator.Emit;

/// <summary>Lists, trees, strings, blobs and bitmaps in a BitArray (qemu-migration.md §2.5). Each method tells whether the item was one of them.</summary>
internal static class CollectionCode
{
    public static bool Save(SourceWriter source, BoundItem item)
    {
        string member = item.Model.Member;
        string name = MemberCode.Name(item);
        switch (item.Model.Form)
        {
            case MemberForm.Text:
                source.Line($"{Names.Text}.Save(ref writer, {member}, {item.Wire.Max}, {name});");
                return true;
            case MemberForm.Blob:
                source.Line($"byte[] blob = {member} ?? {Names.Arrays}.NoBytes;");
                source.Line($"{Names.Binary}.WriteInt32BigEndian(writer.Run(4), {Names.Arrays}.Count(blob.Length, {item.Wire.Max}, {name}, writer.Offset));");
                source.Line("writer.WriteBytes(blob);");
                return true;
            case MemberForm.Bits:
                source.Line($"{Names.Bits}.Save(ref writer, {member}, {BitCount(item)}, {name});");
                return true;
            case MemberForm.List or MemberForm.LinkedList:
                ListCode.Save(source, item);
                return true;
            case MemberForm.SortedList or MemberForm.SortedDictionary:
                TreeCode.Save(source, item);
                return true;
            default:
                return false;
        }
    }

    public static bool Load(SourceWriter source, BoundItem item)
    {
        string member = item.Model.Member;
        string name = MemberCode.Name(item);
        switch (item.Model.Form)
        {
            case MemberForm.Text:
                source.Line($"{member} = {Names.Text}.Load(ref reader, {member}, {item.Wire.Max}, {name});");
                return true;
            case MemberForm.Blob:
                source.Line("long start = reader.Offset;");
                source.Line($"int length = {Names.Arrays}.Count({Names.Binary}.ReadUInt32BigEndian(reader.Run(4, {SourceWriter.Utf8(RunMapText.Escape(item.Wire.Name) + ":4")})), {item.Wire.Max}, {name}, start);");
                source.Line($"{member} = reader.ReadCounted<byte>({member}, length, {name}, isExact: true);");
                return true;
            case MemberForm.Bits:
                if (!item.Model.IsReadOnly)
                    source.Line($"{member} = {Names.Bits}.Ensure({member}, {BitCount(item)});");
                source.Line($"{Names.Bits}.Load(ref reader, {member}, {BitCount(item)}, {name});");
                return true;
            case MemberForm.List or MemberForm.LinkedList:
                ListCode.Load(source, item);
                return true;
            case MemberForm.SortedList or MemberForm.SortedDictionary:
                TreeCode.Load(source, item);
                return true;
            default:
                return false;
        }
    }

    public static bool Describe(SourceWriter source, BoundItem item)
    {
        string name = SourceWriter.Utf8(item.Model.TrailerName);
        string type = SourceWriter.Utf8(item.Model.TrailerType);
        switch (item.Model.Form)
        {
            case MemberForm.Text:
                source.Line($"writer.Field({name}, {type}, {Names.Text}.Measure({item.Model.Member}, {item.Wire.Max}));");
                return true;
            case MemberForm.Blob:
                source.Line($"writer.Field({name}, {type}, 4 + ({item.Model.Member}?.Length ?? 0));");
                return true;
            case MemberForm.List or MemberForm.LinkedList:
                ListCode.Describe(source, item);
                return true;
            case MemberForm.SortedList or MemberForm.SortedDictionary:
                TreeCode.Describe(source, item);
                return true;
            default:
                return false;
        }
    }

    private static string BitCount(BoundItem item) =>
        item.Model.Count is null ? MemberCode.Extent(item)!.Length.ToString(System.Globalization.CultureInfo.InvariantCulture) : MemberCode.Count(item);
}
