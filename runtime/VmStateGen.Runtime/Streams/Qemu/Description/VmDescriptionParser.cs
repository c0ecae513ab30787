using System;
using System.Collections.Generic;
using System.Text.Json;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// A hand-written reader, because QEMU repeats keys within one object (qemu-migration.md §4.1), which no JSON tree keeps.
/// Every object must be complete when it ends, so what is allocated stays in proportion to the text.
/// </summary>
internal ref struct VmDescriptionParser
{
    /// <summary>Nested JSON levels; a nested struct takes three.</summary>
    private const int MaxDepth = 192;

    private readonly ReadOnlyMemory<byte> text;
    private readonly long offset;
    private Utf8JsonReader reader;

    private VmDescriptionParser(ReadOnlyMemory<byte> text, long offset)
    {
        this.text = text;
        this.offset = offset;
        reader = new Utf8JsonReader(text.Span, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    public static VmDescription Parse(ReadOnlyMemory<byte> text, long offset)
    {
        var parser = new VmDescriptionParser(text, offset);
        try
        {
            return parser.ReadDescription();
        }
        catch (VmStateException e) when (e.Within("vmdescription"))
        {
            throw;
        }
        catch (JsonException e)
        {
            var fault = new VmStateException($"expected JSON, found what is none ({e.Message})", parser.Offset, e);
            fault.Within("vmdescription");
            throw fault;
        }
    }

    private readonly long Offset => offset + reader.TokenStartIndex;

    private VmDescription ReadDescription()
    {
        var description = new VmDescription(text);
        var members = new List<VmDescriptionMember>();
        var hasDevices = false;
        var hasConfiguration = false;
        Next();
        Expect(JsonTokenType.StartObject, "an object");
        while (NextKey(out var key))
        {
            Next();
            var start = (int)reader.TokenStartIndex;
            switch (key)
            {
                case "page_size":
                    description.PageSize = ReadPageSize();
                    break;
                case "configuration":
                    Once(ref hasConfiguration, key);
                    description.Configuration = ReadBody(default).ToVmsd();
                    break;
                case "devices":
                    Once(ref hasDevices, key);
                    description.Devices = ReadDevices();
                    break;
                default:
                    reader.Skip();
                    break;
            }
            members.Add(new VmDescriptionMember(key, text[start..(int)reader.BytesConsumed]));
        }
        // Nothing but blanks may follow; Read finds anything else.
        if (reader.Read())
            throw Unexpected("the end of the text");
        if (!hasDevices)
            throw Fault.At("devices", "an array", "none", offset);
        description.Members = members;
        return description;
    }

    private List<VmDeviceDescription> ReadDevices()
    {
        Expect(JsonTokenType.StartArray, "an array of devices");
        var devices = new List<VmDeviceDescription>();
        while (NextElement())
        {
            var start = (int)reader.TokenStartIndex;
            var body = ReadBody(new Body { IsDevice = true });
            try
            {
                devices.Add(body.ToDevice(text[start..(int)reader.BytesConsumed]));
            }
            catch (VmStateException e) when (e.Within(body.Name ?? "devices"))
            {
                throw;
            }
        }
        return devices;
    }

    /// <summary>A vmsd body at its StartObject: a device (<paramref name="body"/> says so), a struct, a subsection or the configuration.</summary>
    private Body ReadBody(Body body)
    {
        Expect(JsonTokenType.StartObject, "an object");
        body.Start = Offset;
        while (NextKey(out var key))
        {
            Next();
            if (key == "name" && body.IsDevice && body.Name == null)
                body.Name = ReadName();
            else if (key == "instance_id" && body.IsDevice && body.InstanceId == null)
                body.InstanceId = (uint)ReadNumber(int.MinValue, uint.MaxValue, key);
            else if (key == "size" && body.IsDevice && body.Size == null)
                body.Size = ReadNumber(0, int.MaxValue, key);
            else if (!ReadVmsdMember(key, ref body))
                throw UnknownKey(key);
        }
        return body;
    }

    /// <summary>The four keys of a vmsd body, each once.</summary>
    private bool ReadVmsdMember(string key, ref Body body)
    {
        if (key == "vmsd_name" && body.VmsdName == null)
            body.VmsdName = ReadName();
        else if (key == "version" && body.Version == null)
            body.Version = ReadNumber(int.MinValue, uint.MaxValue, key);
        else if (key == "fields" && body.Fields == null)
            body.Fields = ReadFields();
        else if (key == "subsections" && body.Subsections == null)
            body.Subsections = ReadSubsections();
        else
            return false;
        return true;
    }

    private List<VmsdDescription> ReadSubsections()
    {
        Expect(JsonTokenType.StartArray, "an array of subsections");
        var subsections = new List<VmsdDescription>();
        while (NextElement())
            subsections.Add(ReadBody(default).ToVmsd());
        return subsections;
    }

    private List<VmFieldDescription> ReadFields()
    {
        Expect(JsonTokenType.StartArray, "an array of fields");
        var fields = new List<VmFieldDescription>();
        while (NextElement())
            fields.Add(ReadField());
        return fields;
    }

    private VmFieldDescription ReadField()
    {
        Expect(JsonTokenType.StartObject, "an object");
        var start = Offset;
        string? name = null;
        string? type = null;
        long? size = null;
        long? arrayLength = null;
        long? index = null;
        VmsdDescription? @struct = null;
        List<VmsdDescription>? inline = null;
        Body body = default;
        while (NextKey(out var key))
        {
            Next();
            if (key == "name" && name == null)
                name = ReadName();
            else if (key == "type" && type == null)
                type = ReadName();
            else if (key == "size" && size == null)
                size = ReadNumber(0, int.MaxValue, key);
            else if (key == "array_len" && arrayLength == null)
                arrayLength = ReadNumber(0, int.MaxValue, key);
            else if (key == "index" && index == null)
                index = ReadNumber(0, int.MaxValue, key);
            else if (key == "struct" && @struct == null)
                @struct = ReadBody(default).ToVmsd();
            else
            {
                // A list repeats these keys for each element, and vmsd_name is the first of them.
                if (key == "vmsd_name" && body.VmsdName != null)
                {
                    (inline ??= []).Add(body.ToVmsd());
                    body = default;
                }
                body.Start = start;
                if (!ReadVmsdMember(key, ref body))
                    throw UnknownKey(key);
            }
        }
        if (!body.IsEmpty)
            (inline ??= []).Add(body.ToVmsd());
        if (name == null || type == null || size == null)
            throw Fault.At(name ?? "field", "name, type and size", "a field without " + (name == null ? "name" : type == null ? "type" : "size"), start);
        return new VmFieldDescription(name, type, size.Value, arrayLength, index, @struct, inline ?? (IReadOnlyList<VmsdDescription>)[]);
    }

    private int ReadPageSize()
    {
        var size = ReadNumber(1, 1 << 20, "page_size");
        if (size < 1024 || !long.IsPow2(size))
            throw Fault.At("page_size", "a power of two from 1024 to 1048576", $"{size}", Offset);
        return (int)size;
    }

    private long ReadNumber(long min, long max, string what)
    {
        Expect(JsonTokenType.Number, "a number");
        if (!reader.TryGetInt64(out var value) || value < min || value > max)
            throw Fault.At(what, $"a whole number from {min} to {max}", System.Text.Encoding.UTF8.GetString(Shorten(reader.ValueSpan)), Offset);
        return value;
    }

    /// <summary>At most 255 characters, as on the wire; printable, since names go into messages and on terminals.</summary>
    private string ReadName()
    {
        Expect(JsonTokenType.String, "a string");
        // Six characters of text stand for at most one of the name.
        if (reader.ValueSpan.Length > 6 * 255)
            throw Fault.At("name", "at most 255 characters", $"{reader.ValueSpan.Length} bytes", Offset);
        string text;
        try
        {
            text = reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Fault.At("name", "UTF-8 text", "what is none", Offset);
        }
        if (text.Length > 255)
            throw Fault.At("name", "at most 255 characters", $"{text.Length}", Offset);
        foreach (var c in text)
        {
            if (c is < ' ' or > '~')
                throw Fault.At("name", "printable ASCII", $"U+{(int)c:X4}", Offset);
        }
        return text;
    }

    private void Next()
    {
        if (!reader.Read())
            throw Fault.At("text", "more JSON", "its end", offset + reader.BytesConsumed);
    }

    private bool NextKey(out string key)
    {
        Next();
        if (reader.TokenType == JsonTokenType.EndObject)
        {
            key = "";
            return false;
        }
        // The reader accepts nothing else here.
        Expect(JsonTokenType.PropertyName, "a key");
        key = reader.ValueSpan.Length <= 64 && !reader.ValueIsEscaped ? ReadKey() : throw Unexpected("a key of a description");
        return true;
    }

    private readonly string ReadKey()
    {
        foreach (var b in reader.ValueSpan)
        {
            if (b is < 0x20 or > 0x7E)
                throw Fault.At("key", "printable ASCII", $"the byte 0x{b:x2}", Offset);
        }
        return reader.GetString()!;
    }

    private bool NextElement()
    {
        Next();
        return reader.TokenType != JsonTokenType.EndArray;
    }

    private readonly void Expect(JsonTokenType type, string what)
    {
        if (reader.TokenType != type)
            throw Unexpected(what);
    }

    private readonly void Once(ref bool seen, string key)
    {
        if (seen)
            throw Fault.At(key, "the key once", "it again", Offset);
        seen = true;
    }

    private readonly VmStateException Unexpected(string expected) => Fault.At("text", expected, reader.TokenType.ToString(), Offset);

    private readonly VmStateException UnknownKey(string key) =>
        Fault.At(key, "a key of a description, once in its place", $"\"{key}\"", Offset);

    private static ReadOnlySpan<byte> Shorten(ReadOnlySpan<byte> value) => value.Length <= 32 ? value : value[..32];

    /// <summary>The members of a vmsd body while they are read.</summary>
    private struct Body
    {
        public long Start;
        public bool IsDevice;
        public string? Name;
        public uint? InstanceId;
        public long? Size;
        public string? VmsdName;
        public long? Version;
        public List<VmFieldDescription>? Fields;
        public List<VmsdDescription>? Subsections;

        public readonly bool IsEmpty => VmsdName == null && Version == null && Fields == null && Subsections == null;

        public readonly VmsdDescription ToVmsd()
        {
            if (VmsdName == null || Version == null || Fields == null)
                throw Fault.At(VmsdName ?? Name ?? "vmsd", "vmsd_name, version and fields", "a description without all three", Start);
            return new VmsdDescription(VmsdName, Version.Value, Fields, Subsections ?? []);
        }

        public readonly VmDeviceDescription ToDevice(ReadOnlyMemory<byte> json)
        {
            if (Name == null || InstanceId == null)
                throw Fault.At("devices", "name and instance_id", "a device without both", Start);
            // Old-style sections have a size instead of a name and a version (§2.9).
            var isOldStyle = VmsdName == null && Size != null && Fields != null;
            var state = isOldStyle ? new VmsdDescription("", 0, Fields!, Subsections ?? []) : ToVmsd();
            if (Size != null && Size != state.DataSize)
                throw Fault.At("size", $"{state.DataSize}, the sum of the fields", $"{Size}", Start);
            return new VmDeviceDescription(Name, InstanceId.Value, state, isOldStyle, json);
        }
    }
}
