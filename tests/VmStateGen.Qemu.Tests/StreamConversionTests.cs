using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Qemu.Tests;

/// <summary>Streams of real machines: read whole, converted both ways, and loaded again by QEMU.</summary>
public sealed class StreamConversionTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vmsg-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [SkippableTheory]
    [InlineData("7.2", "pc", "pc-i440fx-7.2", 1)]
    [InlineData("7.2", "pc", "pc-i440fx-7.2", 4)]
    [InlineData("7.2", "q35", "pc-q35-7.2", 1)]
    [InlineData("7.2", "q35", "pc-q35-7.2", 4)]
    [InlineData("7.2", "microvm", null, 1)]
    [InlineData("7.2", "microvm", null, 4)]
    [InlineData("7.2-aarch64", "virt", null, 4)] // 10.0 refuses the CPU of 7.2's own, unconverted stream
    [InlineData("7.2-riscv64", "virt", null, 4)]
    [InlineData("7.2-aarch64", "virt", null, 1)]
    [InlineData("7.2-riscv64", "virt", null, 1)]
    [InlineData("10.0", "pc", "pc", 1)]
    [InlineData("10.0", "pc", "pc", 4)]
    [InlineData("10.0", "q35", "q35", 1)]
    [InlineData("10.0", "q35", "q35", 4)]
    [InlineData("10.0", "microvm", "microvm", 1)]
    [InlineData("10.0", "microvm", "microvm", 4)]
    [InlineData("10.0-aarch64", "virt", "virt", 1)]
    [InlineData("10.0-riscv64", "virt", "virt", 1)]
    [InlineData("10.0-aarch64", "virt", "virt", 4)]
    [InlineData("10.0-riscv64", "virt", "virt", 4)]
    public async Task Streams_are_converted_both_ways_and_loaded(string version, string machine, string? loadedAs, int cpus)
    {
        QemuInstallation installation = TestQemu.Require(version);
        QemuInstallation loader = TestQemu.Require("10.0" + version[version.Split('-')[0].Length..]);
        var options = new QemuOptions { Machine = machine, MemoryMiB = 32, Arguments = TestMachine.Arguments(version, machine, cpus, isBare: cpus == 1) };

        string saved = File("saved");
        await using (QemuProcess source = await QemuProcess.StartAsync(installation, options))
        {
            await Task.Delay(200);
            await source.SaveToFileAsync(saved);
        }

        // Our layouts become each other without loss, and differ from QEMU's own in nothing that matters.
        string plain = Convert(saved, RamLayout.Plain);
        string mapped = Convert(saved, RamLayout.MappedRam);
        AssertSameMachine(saved, plain);
        AssertSameMachine(saved, mapped);
        string back = Convert(mapped, RamLayout.Plain);
        AssertSameFile(plain, back);
        AssertSameFile(mapped, Convert(plain, RamLayout.MappedRam));
        if (loadedAs == null)
            return;

        // What QEMU has loaded it saves again, before it ran: that is the oracle, and a file of its own in the other layout.
        options = options with { Machine = loadedAs, Incoming = true, Paused = true };
        string savedMapped = File("saved-mapped");
        await LoadAsync(loader, options, back, isMapped: false, savedMapped, isSavedMapped: true);
        AssertSameRam(saved, savedMapped);
        AssertSameFile(savedMapped, Convert(savedMapped, RamLayout.MappedRam));

        string savedPlain = File("saved-plain");
        await LoadAsync(loader, options, mapped, isMapped: true, savedPlain, isSavedMapped: false);
        AssertSameRam(saved, savedPlain);

        plain = Convert(savedMapped, RamLayout.Plain);
        AssertSameMachine(savedMapped, plain);
        AssertSameFile(savedMapped, Convert(plain, RamLayout.MappedRam));
        await LoadAsync(loader, options, plain, isMapped: false, savedPlain, isSavedMapped: false);
        AssertSameRam(saved, savedPlain);
    }

    private static async Task LoadAsync(QemuInstallation loader, QemuOptions options, string file, bool isMapped, string again, bool isSavedMapped)
    {
        await using QemuProcess destination = await QemuProcess.StartAsync(loader, options);
        if (isMapped)
            await destination.SetMappedRamAsync(true);
        await destination.LoadAsync(file);
        await destination.SetMappedRamAsync(isSavedMapped);
        await destination.SaveToFileAsync(again);
    }

    [SkippableFact]
    public async Task Differences_of_a_running_guest_are_resolved()
    {
        QemuInstallation installation = TestQemu.Require("10.0");
        var guest = new CountingGuest();
        var options = new QemuOptions { Machine = "pc", Guest = guest };
        string file = File("xbzrle");
        ulong count;
        await using (QemuProcess source = await QemuProcess.StartAsync(installation, options))
        {
            await CountingGuest.WaitForCountAsync(source, 0);
            await source.EnableMigrationCapabilitiesAsync(["xbzrle"]);
            // Slow at first, so that there are rounds, whose pages are sent again.
            await source.SetMigrationParametersAsync(new() { ["max-bandwidth"] = 8 << 20, ["downtime-limit"] = 20 });
            await source.MigrateAsync($"file:{file}");
            await Task.Delay(2000);
            await source.SetMigrationParametersAsync(new() { ["max-bandwidth"] = 1L << 40, ["downtime-limit"] = 2000 });
            await source.WaitForMigrationAsync();
            count = await CountingGuest.ReadCounterAsync(source) ?? 0;
        }
        Assert.True(CountRecords(file).GetValueOrDefault(RamRecordKind.Xbzrle) > 0);

        string plain = Convert(file, RamLayout.Plain);
        string mapped = Convert(file, RamLayout.MappedRam);
        Assert.False(CountRecords(plain).ContainsKey(RamRecordKind.Xbzrle));
        AssertSameFile(plain, Convert(mapped, RamLayout.Plain));
        await using QemuProcess destination = await QemuProcess.StartAsync(installation, options with { Incoming = true, Paused = true });
        await destination.SetMappedRamAsync(true);
        await destination.LoadAsync(mapped);
        Assert.Equal(count, await CountingGuest.ReadCounterAsync(destination));
        AssertGuest.IsWhole(await guest.FindDamageAsync(destination));
    }

    [SkippableFact]
    public async Task Compressed_pages_are_resolved()
    {
        QemuInstallation installation = TestQemu.Require("7.2");
        string file = File("compressed");
        await using (QemuProcess source = await QemuProcess.StartAsync(installation, new() { Machine = "pc-i440fx-7.2", Paused = true }))
        {
            await source.EnableMigrationCapabilitiesAsync(["compress"]);
            await source.SaveToFileAsync(file);
        }
        Assert.True(CountRecords(file).GetValueOrDefault(RamRecordKind.CompressedPage) > 0);
        string plain = Convert(file, RamLayout.Plain);
        await using QemuProcess destination = await QemuProcess.StartAsync(
            TestQemu.Require("10.0"), new() { Machine = "pc-i440fx-7.2", Incoming = true, Paused = true });
        await destination.LoadAsync(plain);
        string again = File("again");
        await destination.SaveToFileAsync(again);
        AssertSameRam(file, again);
    }

    [SkippableTheory, QemuVersions]
    public async Task A_damaged_stream_is_read_or_refused(string version)
    {
        string file = File("good");
        var options = new QemuOptions { Machine = "q35", MemoryMiB = 32, Paused = true, Arguments = TestMachine.Arguments(version, "q35", cpus: 1, isBare: true) };
        await using (QemuProcess source = await QemuProcess.StartAsync(TestQemu.Require(version), options))
            await source.SaveToFileAsync(file);
        byte[] good = await System.IO.File.ReadAllBytesAsync(file);
        int devices = (int)DevicesOffset(file);
        var random = new Random(5);
        for (int round = 0; round < 400; round++)
        {
            bool isCut = round % 4 == 0;
            int at = round % 2 == 0 ? random.Next(good.Length) : random.Next(devices, good.Length);
            byte[] damaged = isCut ? good[..at] : (byte[])good.Clone();
            if (!isCut)
                damaged[at] ^= (byte)(1 << random.Next(8));
            try
            {
                using RamImage? image = RamImage.Read(new MemoryStream(damaged));
                Assert.True(!isCut || damaged.Length == good.Length - TrailerSize(good), $"a stream cut at {at} of {good.Length} was read");
            }
            catch (VmStateException e)
            {
                Assert.InRange(e.Offset, -1, damaged.Length);
            }
        }
    }

    private string File(string name) => Path.Combine(_folder.FullName, $"{name}-{Guid.NewGuid():N}");

    private string Convert(string file, RamLayout layout)
    {
        string path = File(layout.ToString());
        using FileStream input = System.IO.File.OpenRead(file);
        using FileStream output = System.IO.File.Create(path);
        QemuStreamConverter.Convert(input, output, layout);
        return path;
    }

    private static void AssertSameMachine(string expected, string actual)
    {
        Assert.Equal(Sections(expected), Sections(actual));
        AssertSameRam(expected, actual);
    }

    /// <summary>Name, version and bytes of every section but RAM.</summary>
    private static List<string> Sections(string file)
    {
        using FileStream input = System.IO.File.OpenRead(file);
        var reader = new QemuStreamReader(input);
        var result = new List<string>();
        while (reader.ReadSection())
        {
            if (reader.Section.Kind != SectionKind.Full)
                continue;
            Assert.False(reader.Current.IsGuessed);
            result.Add($"{reader.Section} {reader.Section.Version} {System.Convert.ToHexString(reader.ReadAllData())}");
        }
        Assert.NotEmpty(result);
        return result;
    }

    private static void AssertSameRam(string expected, string actual)
    {
        using FileStream expectedFile = System.IO.File.OpenRead(expected);
        using FileStream actualFile = System.IO.File.OpenRead(actual);
        using RamImage a = RamImage.Read(expectedFile)!;
        using RamImage b = RamImage.Read(actualFile)!;
        Assert.Equal(a.Blocks.Select(block => (block.Name, block.UsedLength)), b.Blocks.Select(block => (block.Name, block.UsedLength)));
        a.CheckWhole();
        b.CheckWhole();
        var one = new byte[a.PageSize];
        var other = new byte[a.PageSize];
        for (int i = 0; i < a.Blocks.Count; i++)
        {
            for (long page = 0; page < a.PageCount(a.Blocks[i]); page++)
            {
                a.ReadPage(a.Blocks[i], page, one);
                b.ReadPage(b.Blocks[i], page, other);
                Assert.True(one.AsSpan().SequenceEqual(other), $"page {page} of {a.Blocks[i]} differs");
            }
        }
    }

    private static void AssertSameFile(string expected, string actual) =>
        Assert.True(System.IO.File.ReadAllBytes(expected).AsSpan().SequenceEqual(System.IO.File.ReadAllBytes(actual)), "the files differ");

    private static Dictionary<RamRecordKind, long> CountRecords(string file)
    {
        using FileStream input = System.IO.File.OpenRead(file);
        using RamImage image = RamImage.Read(input)!;
        return image.Statistics.Records.ToDictionary();
    }

    private static long DevicesOffset(string file)
    {
        using FileStream input = System.IO.File.OpenRead(file);
        var reader = new QemuStreamReader(input);
        while (reader.Read() && reader.Current.Section.Kind != SectionKind.Full)
        {
        }
        return reader.Current.Offset;
    }

    private static int TrailerSize(byte[] stream)
    {
        var reader = new QemuStreamReader(new MemoryStream(stream));
        while (reader.Read() && reader.Current.Kind != QemuElementKind.Trailer)
        {
        }
        return stream.Length - (int)reader.Current.Offset;
    }
}

internal static class MappedRamCapability
{
    public static Task SetMappedRamAsync(this QemuProcess qemu, bool isOn) => qemu.ExecuteAsync(
        "migrate-set-capabilities",
        new() { ["capabilities"] = new System.Text.Json.Nodes.JsonArray(new System.Text.Json.Nodes.JsonObject { ["capability"] = QemuConfiguration.MappedRam, ["state"] = isOn }) });
}
