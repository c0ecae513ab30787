using System.Collections.Generic;
using System.IO;
using System.Text;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

/// <summary>Bytes put together by hand, so that the tests do not depend on the writer they test.</summary>
internal sealed class Bytes
{
    private readonly List<byte> bytes = [];

    public int Length => bytes.Count;

    public Bytes U8(params byte[] values)
    {
        bytes.AddRange(values);
        return this;
    }

    public Bytes Be16(ushort value) => U8((byte)(value >> 8), (byte)value);

    public Bytes Be32(uint value) => Be16((ushort)(value >> 16)).Be16((ushort)value);

    public Bytes Be64(ulong value) => Be32((uint)(value >> 32)).Be32((uint)value);

    public Bytes Text(string text) => U8(Encoding.UTF8.GetBytes(text));

    public Bytes Name(string name) => U8((byte)name.Length).Text(name);

    public Bytes Fill(byte value, int count)
    {
        for (var i = 0; i < count; i++)
            bytes.Add(value);
        return this;
    }

    public Bytes Header() => Be32(0x5145564D).Be32(3);

    public Bytes Configuration(string machine) => U8(0x07).Be32((uint)machine.Length).Text(machine);

    public Bytes Section(byte type, uint id, string name, uint instance, uint version) =>
        U8(type).Be32(id).Name(name).Be32(instance).Be32(version);

    public Bytes Footer(uint id) => U8(0x7E).Be32(id);

    public Bytes Trailer(string json) => U8(0x06).Be32((uint)Encoding.UTF8.GetByteCount(json)).Text(json);

    public byte[] ToArray() => bytes.ToArray();

    public QemuStreamReader Open(QemuStreamReaderOptions? options = null) => new(new MemoryStream(ToArray()), options);
}

/// <summary>A stream with every kind of element, as a stock QEMU would order them.</summary>
internal static class SyntheticStream
{
    public const int PageSize = 4096;

    public const string Json =
        """
        {"configuration": {"vmsd_name": "configuration", "version": 1, "fields": [{"name": "len", "type": "uint32", "size": 4}, {"name": "name", "type": "buffer", "size": 4}]}, "page_size": 4096, "devices": [{"name": "early", "instance_id": 0, "vmsd_name": "early", "version": 1, "fields": [{"name": "on", "type": "bool", "size": 1}]}, {"name": "dev", "instance_id": 0, "vmsd_name": "dev", "version": 2, "fields": [{"name": "a", "type": "uint32", "size": 4}, {"name": "ring", "array_len": 2, "type": "uint16", "size": 2}], "subsections": [{"vmsd_name": "dev/extra", "version": 1, "fields": [{"name": "b", "type": "uint8", "size": 1}]}]}, {"name": "dev", "instance_id": 1, "vmsd_name": "dev", "version": 2, "fields": [{"name": "a", "type": "uint32", "size": 4}, {"name": "ring", "array_len": 2, "type": "uint16", "size": 2}]}, {"name": "slirp", "instance_id": 0, "size": 3, "fields": [{"name": "data", "size": 3, "type": "buffer"}]}]}
        """;

    /// <param name="footers">Whether sections have footers.</param>
    /// <param name="trailer">Whether there is a trailer.</param>
    public static byte[] Make(bool footers = true, bool trailer = true)
    {
        var b = new Bytes().Header().Configuration("mach");
        void Foot(uint id)
        {
            if (footers)
                b.Footer(id);
        }

        // Return path, ping, an early section, RAM's START.
        b.U8(0x08).Be16(1).Be16(0);
        b.U8(0x08).Be16(2).Be16(4).Be32(1);
        b.Section(0x04, 7, "early", 0, 1).U8(1);
        Foot(7);
        b.Section(0x01, 2, "ram", 0, 4).Be64(5 * PageSize | 4);
        b.Name("pc.ram").Be64(4 * PageSize).Name("rom").Be64(PageSize).Be64(0x10);
        Foot(2);

        // Two parts; the second goes on with the first one's block.
        b.U8(0x02).Be32(2).Be64(0 | 8).Name("pc.ram").Fill(0xA5, PageSize).Be64(PageSize | 2 | 0x20).U8(0).Be64(0x10);
        Foot(2);
        b.U8(0x02).Be32(2).Be64(2 * PageSize | 8 | 0x20).Fill(0x5A, PageSize);
        b.Be64(0x200).Be64(0 | 2).Name("rom").U8(0).Be64(0 | 0x40).Name("pc.ram").U8(1).Be16(3).U8(9, 9, 9);
        b.Be64(3 * PageSize | 0x100 | 0x20).Be32(5).U8(1, 2, 3, 4, 5).Be64(0x10);
        Foot(2);

        // Switchover, RAM's END, devices.
        b.U8(0x08).Be16(11).Be16(0);
        b.U8(0x03).Be32(2).Be64(0x10);
        Foot(2);
        b.Section(0x04, 9, "dev", 0, 2).Be32(0xDEADBEEF).Be16(1).Be16(2).U8(0x05).Name("dev/extra").Be32(1).U8(0x42);
        Foot(9);
        b.Section(0x04, 10, "dev", 1, 2).Be32(1).Be16(3).Be16(4);
        Foot(10);
        b.Section(0x04, 11, "slirp", 0, 4).U8(1, 2, 3);
        Foot(11);
        b.U8(0x00);
        if (trailer)
            b.Trailer(Json);
        return b.ToArray();
    }

    /// <summary>Reads all of a stream, every record and every field of it.</summary>
    public static void ReadAll(byte[] stream, QemuStreamReaderOptions? options = null) => ReadAll(new MemoryStream(stream), options);

    public static void ReadAll(Stream stream, QemuStreamReaderOptions? options = null)
    {
        var reader = new QemuStreamReader(stream, options);
        while (reader.Read())
        {
            while (reader.ReadRamRecord(out _))
            {
            }
            if (reader.Current.Description is { } description)
            {
                foreach (var _ in VmDescriptionFields.Enumerate(description, reader.ReadAllData()))
                {
                }
            }
        }
    }

    public static byte[] Copy(byte[] stream)
    {
        var reader = new QemuStreamReader(new MemoryStream(stream));
        var output = new MemoryStream();
        var writer = new QemuStreamWriter(output);
        while (reader.Read())
            writer.CopyElement(reader);
        writer.Flush();
        return output.ToArray();
    }
}
