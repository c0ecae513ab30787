using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>A machine in a file, and what is in its RAM.</summary>
internal static class SnapshotFixture
{
    public const int Page = 4096;
    public const string Machine = "mach";

    public static readonly RamBlockEntry[] Blocks = [new("ram", 3000L * Page), new("empty", 0), new("rom", 64L * Page)];

    /// <summary>The data of the only device.</summary>
    public static readonly byte[] Device = [1, 2, 3, 4];

    /// <summary>Contents: a third of the pages are zeros.</summary>
    public static Dictionary<string, byte[]> Contents(int seed)
    {
        var random = new Random(seed);
        return Blocks.ToDictionary(static block => block.Name, block =>
        {
            var bytes = new byte[block.UsedLength];
            for (var at = 0; at < bytes.Length; at += Page)
            {
                if (random.Next(3) > 0)
                    random.NextBytes(bytes.AsSpan(at, Page));
            }
            return bytes;
        });
    }

    /// <summary>Writes it as a running machine would: some pages twice, with other contents first.</summary>
    public static void WritePlain(string path, Dictionary<string, byte[]> contents, int seed = 0)
    {
        var random = new Random(seed);
        using var file = File.Create(path);
        var writer = new QemuStreamWriter(file);
        writer.WriteHeader();
        writer.WriteConfiguration(new QemuConfiguration(Machine));
        var ram = new RamSectionWriter(writer, Page);
        writer.BeginSection(new SectionHeader(SectionKind.Start, 2, QemuWire.RamName, 0, QemuWire.RamVersion));
        ram.WriteSetup(Blocks);
        writer.EndSection();
        for (var round = 0; round < 2; round++)
        {
            writer.BeginSection(new SectionHeader(SectionKind.Part, 2, QemuWire.RamName, 0, QemuWire.RamVersion));
            foreach (var block in Blocks)
            {
                for (var at = 0L; at < block.UsedLength; at += Page)
                    WritePage(block, at, round);
            }
            ram.WriteEndOfSection();
            writer.EndSection();
        }
        writer.WriteSection(new SectionHeader(SectionKind.End, 2, QemuWire.RamName, 0, QemuWire.RamVersion), [0, 0, 0, 0, 0, 0, 0, 0x10]);
        writer.WriteSection(new SectionHeader(SectionKind.Full, 5, "dev", 0, 1), Device);
        writer.WriteEof();
        writer.Flush();

        void WritePage(RamBlockEntry block, long at, int round)
        {
            // Of the pages that come twice the first copy is wrong.
            var isTwice = at / Page % 5 == 0;
            if (round == 1 && !isTwice)
                return;
            var page = contents[block.Name].AsSpan((int)at, Page).ToArray();
            if (round == 0 && isTwice)
                random.NextBytes(page);
            if (page.AsSpan().ContainsAnyExcept((byte)0))
                ram.WritePage(block, at, page);
            else
                ram.WriteZeroPage(block, at);
        }
    }

    public static void WriteMapped(string path, Dictionary<string, byte[]> contents)
    {
        WritePlain(path + ".plain", contents);
        using var input = File.OpenRead(path + ".plain");
        using var output = File.Create(path);
        QemuStreamConverter.Convert(input, output, RamLayout.MappedRam);
    }
}
