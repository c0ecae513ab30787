using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Inspection;

namespace VmStateGen.Tool.Rendering;

/// <summary>A report as JSON: every element, every field, RAM by block, what is wrong.</summary>
internal static class InspectJson
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(TextWriter output, StreamReport report)
    {
        Document(output, json =>
        {
            json.WriteString("source", report.Source);
            json.WriteNumber("length", report.Length);
            json.WriteNumber("version", QemuWire.Version);
            if (report.Configuration is { } configuration)
            {
                json.WriteString("machine", configuration.MachineType);
                json.WriteStartArray("capabilities");
                foreach (string capability in configuration.Capabilities)
                    json.WriteStringValue(capability);
                json.WriteEndArray();
                if (!configuration.Uuid.IsEmpty)
                    json.WriteString("uuid", new Guid(configuration.Uuid.Span, bigEndian: true));
            }
            if ((report.PageSize ?? report.Ram?.PageSize) is int pageSize)
                json.WriteNumber("page_size", pageSize);
            json.WriteString("trailer", report.Dialect switch
            {
                VmDescriptionDialect.Qemu72 => "7.2",
                VmDescriptionDialect.Qemu100 => "10.0",
                VmDescriptionDialect.Qemu11 => "11",
                _ => report.HasTrailer ? "unknown" : null,
            });
            if (report.TrailerChecksum is uint sum)
                json.WriteString("trailer_crc32c", sum.ToString("x8", CultureInfo.InvariantCulture));
            json.WriteStartArray("elements");
            foreach (StreamPart part in report.Parts)
                Part(json, part);
            json.WriteEndArray();
            if (report.Ram != null)
                Ram(json, report.Ram);
            json.WriteStartObject("sizes");
            foreach ((string name, long bytes) in InspectText.Sizes(report))
                json.WriteNumber(name, bytes);
            json.WriteEndObject();
            Problems(json, report.Problems);
        });
    }

    /// <summary>One object on the output, ended by a line feed.</summary>
    public static void Document(TextWriter output, Action<Utf8JsonWriter> members)
    {
        using var pipe = new TextStream(output);
        using (var json = new Utf8JsonWriter(pipe, Options))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        output.WriteLine();
    }

    /// <summary>What is wrong, empty if nothing is.</summary>
    public static void Problems(Utf8JsonWriter json, IReadOnlyList<StreamProblem> problems)
    {
        json.WriteStartArray("problems");
        foreach (StreamProblem problem in problems)
        {
            json.WriteStartObject();
            json.WriteString("message", problem.Message);
            if (problem.Offset >= 0)
                json.WriteNumber("offset", problem.Offset);
            if (problem.Section.Length > 0)
                json.WriteString("section", problem.Section);
            if (problem.Path.Length > 0)
                json.WriteString("path", problem.Path);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>A value: a number, true or false, null for a timer that is not armed, else hex digits.</summary>
    public static void Value(Utf8JsonWriter json, string type, ReadOnlySpan<byte> value)
    {
        string text = FieldValue.Format(type, value);
        if (FieldText.IsNumber(type, text, value.Length) || (type == "timer" && value.Length == 8 && text != "none"))
            json.WriteRawValue(text);
        else if (type == "timer" && text == "none")
            json.WriteNullValue();
        else if (text is "true" or "false")
            json.WriteBooleanValue(text == "true");
        else if (type is "CPU_Double_U" or "float64" && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && !text.StartsWith("0x", StringComparison.Ordinal))
            json.WriteNumberValue(number);
        else
            json.WriteStringValue(text);
    }

    private static void Part(Utf8JsonWriter json, StreamPart part)
    {
        json.WriteStartObject();
        bool isSection = part.Kind == QemuElementKind.Section;
        json.WriteString("kind", isSection ? part.Section.Kind.ToString().ToLowerInvariant() : part.Kind.ToString().ToLowerInvariant());
        json.WriteNumber("offset", part.Offset);
        json.WriteNumber("end", part.End);
        json.WriteNumber("data_offset", part.DataOffset);
        json.WriteNumber("data_length", part.DataLength);
        if (isSection)
        {
            json.WriteNumber("id", part.Section.Id);
            json.WriteString("name", part.Section.Name);
            json.WriteNumber("instance", part.Section.InstanceId);
            json.WriteNumber("version", part.Section.Version);
        }
        if (part.Command is { } command)
        {
            json.WriteString("command", command.Id.ToString());
            json.WriteString("payload", Convert.ToHexStringLower(command.Payload.Span));
        }
        if (part.IsGuessed)
            json.WriteBoolean("guessed", true);
        if (part.IsInPackage)
            json.WriteBoolean("in_package", true);
        if (part.Data is { Bytes: not null } data)
            Fields(json, data);
        json.WriteEndObject();
    }

    private static void Fields(Utf8JsonWriter json, SectionData data)
    {
        if (data.Description is { } description)
        {
            json.WriteString("vmsd", description.State.Name);
            json.WriteBoolean("old_style", description.IsOldStyle);
        }
        json.WriteStartArray("fields");
        foreach (VmDescriptionSpan span in data.Spans())
        {
            if (span.Kind == VmDescriptionSpanKind.Marker)
                continue;
            json.WriteStartObject();
            json.WriteString("path", span.Path);
            json.WriteString("type", span.Type);
            json.WriteNumber("offset", data.Offset + span.Offset);
            json.WriteNumber("size", span.Size);
            if (span.Kind == VmDescriptionSpanKind.Field)
            {
                json.WritePropertyName("value");
                Value(json, span.Type, data.Value(span));
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Ram(Utf8JsonWriter json, RamReport ram)
    {
        json.WriteStartArray("ram");
        for (int i = 0; i < ram.Blocks.Count; i++)
        {
            RamBlockStatistics block = ram.Blocks[i];
            json.WriteStartObject();
            json.WriteString("block", block.Block.Name);
            json.WriteNumber("size", block.Block.UsedLength);
            json.WriteNumber("pages", block.Pages);
            json.WriteNumber("normal", block.NormalPages);
            json.WriteNumber("zero", block.ZeroPages);
            json.WriteNumber("missing", block.MissingPages);
            if (ram.Contents != null)
                json.WriteString("contents", ram.Contents[i].ToString("x16", CultureInfo.InvariantCulture));
            if (block.Block.Mapped is { } mapped)
            {
                json.WriteNumber("bitmap_offset", mapped.BitmapOffset);
                json.WriteNumber("pages_offset", mapped.PagesOffset);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartObject("ram_records");
        foreach ((RamRecordKind kind, long count) in ram.Records)
            json.WriteNumber(kind.ToString().ToLowerInvariant(), count);
        json.WriteEndObject();
        json.WriteNumber("ram_payload", ram.PayloadBytes);
    }

    /// <summary>The JSON writer writes bytes, the command's output takes characters.</summary>
    private sealed class TextStream(TextWriter output) : Stream
    {
        private readonly Decoder decoder = Encoding.UTF8.GetDecoder();
        private char[] characters = new char[4096];

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (characters.Length < buffer.Length + 4)
                characters = new char[buffer.Length + 4];
            int count = decoder.GetChars(buffer, characters, flush: false);
            output.Write(characters.AsSpan(0, count));
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
