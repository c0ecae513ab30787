using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Inspection;
using VmStateGen.Tool.Tests;

namespace VmStateGen.Qemu.Tests;

/// <summary>The <c>vmstate</c> command on streams that real QEMUs write.</summary>
public sealed class ToolTests : FolderTest
{
    // What annotations do not regenerate in a trailer: old-style sections, and fields that go through a companion type.
    private static readonly string[] KnownUnlike = ["slirp", "cpu", "virtio"];

    [SkippableTheory]
    [QemuVersions("pc", "q35", "microvm")]
    [InlineData("7.2-aarch64", "virt")]
    [InlineData("10.0-aarch64", "virt")]
    [InlineData("7.2-riscv64", "virt")]
    [InlineData("10.0-riscv64", "virt")]
    public async Task A_stream_is_inspected_whole_and_every_section_scaffolded(string version, string machine)
    {
        QemuInstallation installation = TestQemu.Require(version);
        string[] arguments = TestMachine.Arguments(version, machine, cpus: machine is "q35" or "virt" ? 4 : 1);
        // A network of its own has a section of the old style.
        if (machine != "microvm")
            arguments = [.. arguments, "-netdev", "user,id=user", "-device", "e1000,netdev=user,romfile="];
        var options = new QemuOptions { Machine = machine, MemoryMiB = 32, Arguments = arguments };
        string plain = PathOf("plain.mig");
        await using (QemuProcess qemu = await QemuProcess.StartAsync(installation, options))
        {
            // The firmware has looked at its devices by then.
            await Task.Delay(500);
            await qemu.SaveToFileAsync(plain);
        }
        StreamReport report = InspectWhole(plain, version, hasSlirp: machine != "microvm");
        if (version.StartsWith("10.0", StringComparison.Ordinal))
        {
            string mapped = PathOf("mapped.mig");
            await using (QemuProcess qemu = await QemuProcess.StartAsync(installation, options with { Incoming = true, Paused = true }))
            {
                await qemu.LoadAsync(plain);
                await qemu.EnableMigrationCapabilitiesAsync([QemuConfiguration.MappedRam]);
                await qemu.SaveToFileAsync(mapped);
            }
            StreamReport other = InspectWhole(mapped, version, hasSlirp: machine != "microvm");
            Assert.Equal(report.Parts.Select(part => part.Title).Distinct(), other.Parts.Select(part => part.Title).Distinct());
        }

        IReadOnlyList<string> unlike = ScaffoldCheck.CheckAll(report);
        Assert.All(unlike, name => Assert.Contains(KnownUnlike, known => name.Contains(known, StringComparison.Ordinal)));
    }

    [SkippableFact]
    public async Task A_mapped_ram_file_is_inspected_and_differs_from_a_plain_one_in_nothing()
    {
        QemuInstallation installation = TestQemu.Require("10.0");
        var options = new QemuOptions { MemoryMiB = 32, Paused = true, Arguments = ["-device", "e1000"] };
        string plain = PathOf("plain.mig");
        await using (QemuProcess first = await QemuProcess.StartAsync(installation, options))
            await first.SaveToFileAsync(plain);
        // A machine that was saved is not saved again: another one goes on from it, and stands still.
        await using QemuProcess second = await QemuProcess.StartAsync(installation, options with { Incoming = true });
        await second.LoadAsync(plain);
        await second.EnableMigrationCapabilitiesAsync(["mapped-ram"]);
        string mapped = PathOf("mapped.mig");
        await second.SaveToFileAsync(mapped);

        StreamReport report = Inspect(mapped);
        Assert.Empty(report.Problems);
        Assert.Contains("mapped-ram", report.Configuration!.Capabilities);
        (int code, string output, string errors) = Cli.Run("diff", plain, mapped, "--ignore", "globalstate/*");
        Assert.True(code == 0, output + errors);
    }

    [SkippableTheory]
    [QemuVersions]
    public async Task A_diff_of_a_guest_that_ran_names_what_moved_and_nothing_else(string version)
    {
        QemuInstallation installation = TestQemu.Require(version);
        var guest = new CountingGuest(pages: 64, delay: 2000);
        await using QemuProcess qemu = await QemuProcess.StartAsync(installation, new QemuOptions { MemoryMiB = 32, Guest = guest });
        await CountingGuest.WaitForCountAsync(qemu, 200);
        await qemu.ExecuteAsync("stop");
        string before = PathOf("before.mig");
        await qemu.SaveToFileAsync(before);
        await qemu.ExecuteAsync("cont");
        await Task.Delay(10);
        await qemu.ExecuteAsync("stop");
        string after = PathOf("after.mig");
        await qemu.SaveToFileAsync(after);

        JsonElement diff = Cli.Json("diff", before, after, "--json", "--pages");
        string[] fields = [.. diff.GetProperty("sections").EnumerateArray().SelectMany(section => section.GetProperty("fields").EnumerateArray()
            .Select(field => $"{section.GetProperty("section").GetString()}/{field.GetProperty("path").GetString()}"))];
        Assert.Contains("timer/cpu_clock_offset", fields);
        Assert.Contains("cpu/env.regs[3]", fields);
        // The clock, the processor, and what counts time: the devices of an idle machine stand still.
        string[] moving = ["timer/", "cpu/", "i8254/", "mc146818rtc/", "apic/", "hpet/", "acpi", "piix4_pm", "0000:00:01.3/piix4_pm", "cpu_common/", "globalstate/", "i8259"];
        Assert.All(fields, field => Assert.Contains(moving, prefix => field.StartsWith(prefix, StringComparison.Ordinal)));

        JsonElement ram = Assert.Single(diff.GetProperty("ram").EnumerateArray());
        Assert.Equal("pc.ram", ram.GetProperty("block").GetString());
        foreach (JsonElement range in ram.GetProperty("ranges").EnumerateArray())
        {
            long start = range.GetProperty("offset").GetInt64();
            long end = start + range.GetProperty("length").GetInt64();
            bool isCounter = start == CountingGuest.CounterAddress && end == start + CountingGuest.PageSize;
            Assert.True(isCounter || (start >= guest.PatternAddress && end <= guest.EndAddress), $"{start:x}-{end:x}");
        }
    }

    [SkippableTheory]
    [QemuVersions]
    public async Task Damage_to_a_real_stream_is_found_or_reads_differently(string version)
    {
        QemuInstallation installation = TestQemu.Require(version);
        await using QemuProcess qemu = await QemuProcess.StartAsync(installation, new QemuOptions { MemoryMiB = 16, Paused = true });
        string path = PathOf("a.mig");
        await qemu.SaveToFileAsync(path);
        byte[] stream = await File.ReadAllBytesAsync(path);
        string whole = Json(stream);
        var random = new Random(1);
        for (int i = 0; i < 40; i++)
        {
            int at = random.Next(stream.Length);
            StreamReport cut = StreamInspector.Inspect("x", new MemoryStream(stream, 0, at), new InspectionOptions());
            Assert.True(cut.Problems.Count > 0 && cut.Problems[0].Offset >= 0, $"a cut at {at} is not found");

            byte bit = (byte)(1 << random.Next(8));
            stream[at] ^= bit;
            Assert.True(Json(stream) != whole, $"the byte at {at} can change unseen");
            stream[at] ^= bit;
        }
    }

    /// <summary>Inspects a stream of which every byte must belong to something.</summary>
    private static StreamReport InspectWhole(string path, string version, bool hasSlirp)
    {
        StreamReport report = Inspect(path);
        Assert.Empty(report.Problems);
        Assert.DoesNotContain(report.Parts, part => part.IsGuessed);
        Assert.Equal(version.StartsWith("7.2", StringComparison.Ordinal) ? VmDescriptionDialect.Qemu72 : VmDescriptionDialect.Qemu100, report.Dialect);
        Assert.Equal(new FileInfo(path).Length, report.Parts[^1].End);
        Assert.Equal(0, report.Parts[0].Offset);
        Assert.All(report.Parts.Zip(report.Parts.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Offset));
        Assert.Equal(hasSlirp, report.Parts.Any(part => part.Section.Name == "slirp" && part.Data?.Description?.IsOldStyle == true));
        Assert.All(report.Ram!.Blocks, block => Assert.Equal(0, block.MissingPages));
        Assert.Equal(0, Cli.Run("inspect", path).Code);
        return report;
    }

    private static string Json(byte[] stream)
    {
        StreamReport report = StreamInspector.Inspect("x", new MemoryStream(stream), new InspectionOptions(HasContents: true));
        var text = new StringWriter();
        Tool.Rendering.InspectJson.Write(text, report);
        return text.ToString();
    }

    private static StreamReport Inspect(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return StreamInspector.Inspect(path, stream, new InspectionOptions());
    }
}
