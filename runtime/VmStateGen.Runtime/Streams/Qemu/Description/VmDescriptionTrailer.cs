using System;
using System.Buffers;
using System.Collections.Generic;
using System.Text;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Puts a trailer together from raw pieces, with QEMU's separators (", " and ": "), so that what was not changed comes out
/// byte for byte as QEMU wrote it (qemu-migration.md §4.1).
/// </summary>
/// <remarks>For one thread at a time.</remarks>
public sealed class VmDescriptionTrailer
{
    private const string DevicesKey = "devices";
    private readonly List<VmDescriptionMember> members = [];

    /// <summary>A trailer without members but <c>devices</c>; put others before it with <see cref="Set"/>.</summary>
    public VmDescriptionTrailer()
    {
        members.Add(new VmDescriptionMember(DevicesKey, default));
    }

    /// <summary>All pieces of a trailer that was read, in their order.</summary>
    public VmDescriptionTrailer(VmDescription description)
    {
        ArgumentNullException.ThrowIfNull(description);
        members.AddRange(description.Members);
        foreach (var device in description.Devices)
            Devices.Add(device.Json);
    }

    /// <summary>Raw JSON objects, one for each described section, in wire order.</summary>
    public List<ReadOnlyMemory<byte>> Devices { get; } = [];

    /// <summary>Sets <c>page_size</c>, in bytes.</summary>
    public void SetPageSize(int pageSize) => Set("page_size", Encoding.ASCII.GetBytes(FormattableString.Invariant($"{pageSize}")));

    /// <summary>Sets or (with no text) removes <c>configuration</c>.</summary>
    public void SetConfiguration(ReadOnlyMemory<byte> json) => Set("configuration", json);

    /// <summary>Sets a member's raw JSON text: in its place if there is one of that key, else before <c>devices</c>. No text removes it.</summary>
    public void Set(string key, ReadOnlyMemory<byte> json)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (key == DevicesKey)
            throw new ArgumentException("Devices are set in Devices.", nameof(key));
        var at = members.FindIndex(m => m.Key == key);
        if (json.IsEmpty)
        {
            if (at >= 0)
                members.RemoveAt(at);
        }
        else if (at >= 0)
            members[at] = new VmDescriptionMember(key, json);
        else
            members.Insert(members.FindIndex(m => m.Key == DevicesKey), new VmDescriptionMember(key, json));
    }

    /// <summary>The text of the trailer, UTF-8.</summary>
    public byte[] ToJson()
    {
        var text = new ArrayBufferWriter<byte>();
        text.Write("{"u8);
        for (var i = 0; i < members.Count; i++)
        {
            text.Write(i > 0 ? ", \""u8 : "\""u8);
            // A key is as it was found, and none that needs escapes is read.
            text.Write(Encoding.ASCII.GetBytes(members[i].Key));
            text.Write("\": "u8);
            if (members[i].Key == DevicesKey)
                WriteDevices(text);
            else
                text.Write(members[i].Value.Span);
        }
        text.Write("}"u8);
        return text.WrittenSpan.ToArray();
    }

    private void WriteDevices(ArrayBufferWriter<byte> text)
    {
        text.Write("["u8);
        for (var i = 0; i < Devices.Count; i++)
        {
            if (i > 0)
                text.Write(", "u8);
            text.Write(Devices[i].Span);
        }
        text.Write("]"u8);
    }
}
