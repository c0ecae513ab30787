using System;
using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace VmStateGen;

/// <summary>
/// Writes the JSON that describes saved state in the trailer of a QEMU stream (qemu-migration.md §4.1), byte for byte as QEMU
/// does. Lives on the stack; pass it by reference. Counts the bytes of what it describes as it goes.
/// </summary>
/// <param name="output">Where the UTF-8 text goes.</param>
/// <param name="dialect">Whose form.</param>
public ref struct VmDescriptionWriter(IBufferWriter<byte> output, VmDescriptionDialect dialect)
{
    private readonly IBufferWriter<byte> output = output;
    private long size;
    private bool needsComma;
    private int hidden;

    /// <summary>Whose form is written.</summary>
    public readonly VmDescriptionDialect Dialect { get; } = dialect;

    /// <summary>
    /// What a stream's trailer says opaquely (<see cref="FieldAttribute.TypeName"/> on state) is described with all its fields.
    /// For tools: QEMU's trailer is not like that.
    /// </summary>
    public bool ShowsOpaque { get; init; }

    /// <summary>Bytes of state described so far.</summary>
    public readonly long Size => size;

    /// <summary>The object of a whole section, hooks of its save included.</summary>
    /// <param name="idstr">The section's name with its device path.</param>
    /// <param name="instanceId">Its instance.</param>
    /// <param name="device">The device, as it was saved.</param>
    /// <param name="version">The version it was saved at, its type's own if it is left out.</param>
    public void Device(ReadOnlySpan<char> idstr, uint instanceId, IVmState device, int? version = null)
    {
        int saved = version ?? device.StateType.Version;
        BeginObject();
        Key("name"u8);
        String(Encoding.UTF8.GetBytes(idstr.ToArray()));
        Key("instance_id"u8);
        Number(instanceId);
        Header(Encoding.UTF8.GetBytes(device.StateType.Name), saved);
        device.Describe(ref this, saved);
        EndObject();
    }

    /// <summary>
    /// The object of a section that QEMU writes by hand-made code (qemu-migration.md §2.9): so many bytes, without name or version
    /// of a state.
    /// </summary>
    /// <param name="idstr">The section's name.</param>
    /// <param name="instanceId">Its instance.</param>
    /// <param name="bytes">Bytes of its data.</param>
    public void OldStyleDevice(ReadOnlySpan<char> idstr, uint instanceId, long bytes)
    {
        BeginObject();
        Key("name"u8);
        String(Encoding.UTF8.GetBytes(idstr.ToArray()));
        Key("instance_id"u8);
        Number(instanceId);
        Key("size"u8);
        Number(bytes);
        BeginFields();
        BeginObject();
        Key("name"u8);
        String("data"u8);
        Key("size"u8);
        Number(bytes);
        Key("type"u8);
        String("buffer"u8);
        EndObject();
        EndFields();
        EndObject();
        size += bytes;
    }

    /// <summary>Opens the list of fields of a state.</summary>
    public void BeginFields()
    {
        Key("fields"u8);
        Raw("["u8);
        needsComma = false;
    }

    /// <summary>Closes the list of fields.</summary>
    public void EndFields()
    {
        Raw("]"u8);
        needsComma = true;
    }

    /// <summary>A field without structure.</summary>
    /// <param name="name">Its name, unique within the state.</param>
    /// <param name="type">QEMU's type name (qemu-migration.md §2.5).</param>
    /// <param name="bytes">Its bytes on the wire.</param>
    public void Field(scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> type, int bytes)
    {
        BeginObject();
        Key("name"u8);
        String(name);
        Key("type"u8);
        String(type);
        EndField(bytes, 1);
    }

    /// <summary>An array of elements without structure; nothing if it is empty.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">QEMU's type name of an element.</param>
    /// <param name="bytes">Bytes of one element.</param>
    /// <param name="count">Elements.</param>
    /// <param name="compressible">The elements are alike and the array is unconditional: one object for all.</param>
    public void Array(scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> type, int bytes, int count, bool compressible)
    {
        for (int i = 0; i < count; i++)
        {
            BeginElement(name, i, count, compressible);
            Key("type"u8);
            String(type);
            EndField(bytes, compressible ? count : 1);
            if (compressible)
                return;
        }
    }

    /// <summary>Opens nested state, or one element of an array of it; the state's fields follow.</summary>
    /// <param name="name">The field's name.</param>
    /// <param name="stateName">The nested state's own name.</param>
    /// <param name="version">The version it is saved at.</param>
    /// <param name="index">Which element, 0 for a single one.</param>
    /// <param name="count">Elements of the array, 1 for a single one.</param>
    /// <param name="compressible">This element stands for all of them.</param>
    /// <param name="versioned">The use site fixes the version (QEMU's <c>vstruct</c>).</param>
    /// <param name="opaque">The trailer says only this type name and the size.</param>
    /// <returns>A mark for <see cref="EndStruct"/>.</returns>
    public StructMark BeginStruct(
        scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> stateName, int version,
        int index = 0, int count = 1, bool compressible = false, bool versioned = false, scoped ReadOnlySpan<byte> opaque = default)
    {
        BeginElement(name, index, count, compressible);
        if (Hides(opaque))
            return new StructMark(size, compressible ? count : 1, isInline: true, isOpaque: true);
        Key("type"u8);
        String(versioned ? "vstruct"u8 : "struct"u8);
        if (!versioned)
        {
            Key("struct"u8);
            BeginObject(separated: false);
        }
        Header(stateName, version);
        return new StructMark(size, compressible ? count : 1, isInline: versioned);
    }

    /// <summary>Closes nested state.</summary>
    public void EndStruct(StructMark mark)
    {
        if (mark.IsOpaque)
        {
            hidden--;
            needsComma = true;
        }
        if (!mark.IsInline)
            EndObject();
        long element = size - mark.Start;
        size = mark.Start;
        EndField(element, mark.Repeat);
    }

    /// <summary>
    /// Opens a field that holds any number of states, each begun with <see cref="BeginInline"/>: lists, trees, companions. QEMU
    /// repeats the keys of each directly in the field's object.
    /// </summary>
    /// <param name="name">The field's name.</param>
    /// <param name="type">QEMU's type name: <c>qtailq</c>, <c>gtree</c>, <c>tmp</c>.</param>
    /// <param name="index">Which element of an array of such fields, 0 for a single one.</param>
    /// <param name="count">Elements of the array, 1 for a single one.</param>
    /// <param name="compressible">This element stands for all of them.</param>
    /// <param name="opaque">The trailer says only this type name and the size.</param>
    /// <returns>A mark for <see cref="EndStruct"/>.</returns>
    public StructMark BeginStates(
        scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> type, int index = 0, int count = 1, bool compressible = false,
        scoped ReadOnlySpan<byte> opaque = default)
    {
        BeginElement(name, index, count, compressible);
        if (Hides(opaque))
            return new StructMark(size, compressible ? count : 1, isInline: true, isOpaque: true);
        Key("type"u8);
        String(type);
        return new StructMark(size, compressible ? count : 1, isInline: true);
    }

    /// <summary>Opens one state of such a field; its fields follow.</summary>
    public void BeginInline(scoped ReadOnlySpan<byte> stateName, int version) => Header(stateName, version);

    /// <summary>Bytes of markers, counts and keys that the trailer does not describe.</summary>
    public void Skip(int bytes) => size += bytes;

    /// <summary>QEMU's type name of a null reference (qemu-migration.md §4.1).</summary>
    public readonly ReadOnlySpan<byte> NullType => Dialect switch
    {
        VmDescriptionDialect.Qemu72 => "uint64"u8,
        VmDescriptionDialect.Qemu100 => "nullptr"u8,
        _ => "ptr-marker"u8,
    };

    /// <summary>Opens a subsection; its fields follow.</summary>
    /// <param name="isFirst">It is the first one of its state that was sent.</param>
    /// <param name="name">Its name.</param>
    /// <param name="version">Its version.</param>
    public void BeginSubsection(bool isFirst, scoped ReadOnlySpan<byte> name, int version)
    {
        if (isFirst)
        {
            Key("subsections"u8);
            Raw("["u8);
            needsComma = false;
        }
        size += 6 + name.Length;
        BeginObject();
        Header(name, version);
    }

    /// <summary>Closes a subsection.</summary>
    public void EndSubsection() => EndObject();

    /// <summary>Closes the list of subsections, if there was one.</summary>
    public void EndSubsections(bool any)
    {
        if (!any)
            return;
        Raw("]"u8);
        needsComma = true;
    }

    /// <summary>Writes an opaque field's type; nothing more is written until its end.</summary>
    private bool Hides(scoped ReadOnlySpan<byte> opaque)
    {
        if (opaque.IsEmpty || ShowsOpaque)
            return false;
        Key("type"u8);
        String(opaque);
        hidden++;
        return true;
    }

    private void BeginElement(scoped ReadOnlySpan<byte> name, int index, int count, bool compressible)
    {
        BeginObject();
        Key("name"u8);
        String(name);
        if (count == 1)
            return;
        if (compressible)
        {
            Key("array_len"u8);
            Number(count);
        }
        else if (Dialect == VmDescriptionDialect.Qemu72 || (Dialect == VmDescriptionDialect.Qemu100 && index < count - 1))
        {
            Key("index"u8);
            Number(index);
        }
    }

    private void EndField(long bytes, int repeat)
    {
        Key("size"u8);
        Number(bytes);
        EndObject();
        size += bytes * repeat;
    }

    private void Header(scoped ReadOnlySpan<byte> stateName, int version)
    {
        Key("vmsd_name"u8);
        String(stateName);
        Key("version"u8);
        Number(version);
    }

    private void BeginObject(bool separated = true)
    {
        if (separated && needsComma)
            Raw(", "u8);
        Raw("{"u8);
        needsComma = false;
    }

    private void EndObject()
    {
        Raw("}"u8);
        needsComma = true;
    }

    private void Key(scoped ReadOnlySpan<byte> key)
    {
        if (needsComma)
            Raw(", "u8);
        Raw("\""u8);
        Raw(key);
        Raw("\": "u8);
        needsComma = true;
    }

    private readonly void Number(long value)
    {
        if (hidden > 0)
            return;
        Utf8Formatter.TryFormat(value, output.GetSpan(20), out int written);
        output.Advance(written);
    }

    private readonly void String(scoped ReadOnlySpan<byte> text)
    {
        Raw("\""u8);
        if (text.IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0 && text.IndexOfAny((byte)'"', (byte)'\\') < 0)
            Raw(text);
        else
            Escaped(text);
        Raw("\""u8);
    }

    /// <summary>QEMU's own escapes (qemu-migration.md §14): what is no printable ASCII as four upper-case hex digits, or two letters where JSON has them.</summary>
    private readonly void Escaped(scoped ReadOnlySpan<byte> text)
    {
        Span<char> units = stackalloc char[2];
        Span<byte> hex = stackalloc byte[6];
        while (!text.IsEmpty)
        {
            Rune.DecodeFromUtf8(text, out Rune rune, out int length);
            scoped ReadOnlySpan<byte> named = rune.Value switch
            {
                '"' => "\\\""u8,
                '\\' => "\\\\"u8,
                '\b' => "\\b"u8,
                '\f' => "\\f"u8,
                '\n' => "\\n"u8,
                '\r' => "\\r"u8,
                '\t' => "\\t"u8,
                >= ' ' and <= '~' => text[..length],
                _ => default,
            };
            Raw(named);
            if (named.IsEmpty)
            {
                foreach (char unit in units[..rune.EncodeToUtf16(units)])
                {
                    "\\u"u8.CopyTo(hex);
                    Utf8Formatter.TryFormat((uint)unit, hex[2..], out _, new StandardFormat('X', 4));
                    Raw(hex);
                }
            }
            text = text[length..];
        }
    }

    private readonly void Raw(scoped ReadOnlySpan<byte> text)
    {
        if (hidden == 0)
            output.Write(text);
    }

    /// <summary>Where nested state began; from <see cref="BeginStruct"/> to <see cref="EndStruct"/>.</summary>
    public readonly struct StructMark
    {
        internal StructMark(long start, int repeat, bool isInline, bool isOpaque = false)
        {
            Start = start;
            Repeat = repeat;
            IsInline = isInline;
            IsOpaque = isOpaque;
        }

        internal long Start { get; }

        internal int Repeat { get; }

        internal bool IsInline { get; }

        internal bool IsOpaque { get; }
    }
}
