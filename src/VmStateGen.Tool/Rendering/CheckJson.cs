using System.Buffers;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using VmStateGen.Schema;

namespace VmStateGen.Tool.Rendering;

/// <summary>Findings as JSON.</summary>
internal static class CheckJson
{
    public static void Write(TextWriter writer, CompatibilityReport report) => Write(writer, json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("findings");
        foreach (Finding finding in report.Findings)
            Write(json, finding);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>A document, indented, with a final newline.</summary>
    public static void Write(TextWriter writer, System.Action<Utf8JsonWriter> body)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            body(json);
        writer.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static void Write(Utf8JsonWriter json, Finding finding)
    {
        json.WriteStartObject();
        json.WriteNumber("rule", (int)finding.Rule);
        json.WriteString("name", finding.Rule.ToString());
        json.WriteString("verdict", CheckText.Word(finding.Verdict));
        json.WriteString("breaks", finding.Breaks.ToString().ToLowerInvariant());
        json.WriteString("type", finding.Type);
        if (finding.Subsection is not null)
            json.WriteString("subsection", finding.Subsection);
        json.WriteString("path", finding.Path);
        json.WriteString("message", finding.Message);
        Strings(json, "releases", finding.Releases);
        json.WriteStartArray("places");
        foreach (FindingPlace place in finding.Places)
        {
            json.WriteStartObject();
            json.WriteString("key", place.SectionKey);
            json.WriteString("section", place.Section);
            json.WriteString("path", place.Path);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("fixes");
        foreach (SuggestedFix fix in finding.Fixes)
        {
            json.WriteStartObject();
            json.WriteString("kind", fix.Kind.ToString());
            if (fix.Target is not null)
                json.WriteString("target", fix.Target);
            if (fix.Value is not null)
                json.WriteString("value", fix.Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
