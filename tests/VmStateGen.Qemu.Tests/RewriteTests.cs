using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using QemuDevices;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Qemu.Tests;

/// <summary>Streams of real QEMUs go through generated code and come out as they were; QEMU loads what comes out.</summary>
public sealed class RewriteTests : IDisposable
{
    private static readonly string[] PcDevices = ["timer", "i8254", "i8259", "serial", "ps2kbd", "fdc"];

    // The paravirtual registers name memory that the guest does not use for anything else.
    private static readonly (uint, ulong)[] TcgRegisters = [(0x1A0, 0x801), (0x6E1, 1), (0x277, 0x0007_0406_0007_0400), (0xC000_0081, 0x123)];
    private static readonly string[] TcgSubsections = ["cpu/msr_ia32_misc_enable", "cpu/pkrs"];
    private static readonly (uint, ulong)[] KvmRegisters = [(0x1A0, 0x801), (0x4B56_4D02, 0x9001), (0x4B56_4D03, 0x9041), (0x4B56_4D04, 0x9081)];
    private static readonly string[] KvmSubsections = ["cpu/msr_ia32_misc_enable", "cpu/async_pf_msr", "cpu/steal_time_msr", "cpu/async_pv_eoi_msr"];

    private readonly string folder = Directory.CreateTempSubdirectory("vmstategen-rewrite-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Each release, machine, number of CPUs and accelerator. Four CPUs are of the kind with the most state, and the guest sets registers.</summary>
    public static TheoryData<string, string, int, string> Machines()
    {
        var data = new TheoryData<string, string, int, string>();
        foreach (string version in QemuInstallation.Versions)
        {
            foreach (string machine in new[] { "pc", "q35" })
            {
                foreach (int cpus in new[] { 1, 4 })
                {
                    data.Add(version, machine, cpus, "tcg");
                    data.Add(version, machine, cpus, "kvm");
                }
            }
        }
        return data;
    }

    [SkippableTheory, MemberData(nameof(Machines))]
    public async Task Guest_goes_on_from_the_rewritten_stream(string version, string machine, int cpus, string accelerator)
    {
        if (cpus == 1)
        {
            await GoesOn(version, Options(machine, accelerator) with { Arguments = ["-cpu", "qemu64"] });
            return;
        }
        bool isKvm = accelerator == "kvm";
        string saved = await GoesOn(version, Options(machine, accelerator) with
        {
            Guest = new CountingGuest { ModelSpecificRegisters = isKvm ? KvmRegisters : TcgRegisters },
            // By KVM "max" would have a register set that not every host lets it set.
            Arguments = ["-smp", $"{cpus}", "-cpu", isKvm ? "max,-arch-capabilities" : "max"],
        });
        using FileStream input = File.OpenRead(saved);
        VmDeviceDescription cpu = new QemuStreamReader(input).Description!.FindDevice("cpu")!;
        Assert.Empty((isKvm ? KvmSubsections : TcgSubsections).Except(cpu.State.Subsections.Select(subsection => subsection.Name)));
    }

    [SkippableTheory]
    [QemuVersions("pc", "q35")]
    public Task Guest_with_another_network_card_goes_on(string version, string machine) => GoesOn(version, Options(machine) with { Arguments = ["-device", "e1000"] });

    [SkippableTheory]
    [QemuVersions("pc", "q35")]
    public async Task Guest_with_virtio_SCSI_and_USB_devices_goes_on(string version, string machine)
    {
        string[] arguments =
        [
            "-device", "virtio-net-pci", "-device", "virtio-balloon-pci", "-device", "virtio-rng-pci", "-device", "virtio-keyboard-pci",
            "-device", "virtio-serial-pci", "-device", "virtconsole", "-device", "virtio-scsi-pci,num_queues=2", .. Disk("a"), "-device", "scsi-hd,drive=a",
            .. Disk("b"), "-device", "virtio-blk-pci,drive=b,num-queues=2",
            "-device", "piix3-usb-uhci,id=u", "-device", "usb-ehci", "-device", "qemu-xhci,id=x", "-device", "usb-hub,bus=u.0", "-device", "usb-tablet,bus=x.0",
            .. Disk("c"), "-device", "usb-storage,bus=x.0,drive=c",
        ];
        await GoesOn(version, Options(machine) with { Arguments = arguments });

        using FileStream input = File.OpenRead(Path.Combine(folder, "saved.mig"));
        ILookup<bool, string> isDecoded = StreamRewriter.Rewrite(input, Stream.Null, []).ToLookup(section => section.Fields is not null, section => section.Name.Split('/')[^1]);
        string[] expected =
        [
            "virtio-net", "virtio-balloon", "virtio-rng", "virtio-input", "virtio-console", "virtio-scsi", "virtio-blk", "scsi-disk",
            "uhci", "ehci", "xhci", "usb-hub", "usb-ptr", "usb-storage",
        ];
        Assert.Empty(expected.Except(isDecoded[true]));
        Assert.Empty(expected.Intersect(isDecoded[false]));

        string[] Disk(string id)
        {
            string path = Path.Combine(folder, id);
            File.WriteAllBytes(path, new byte[1 << 20]);
            return ["-drive", $"file={path},format=raw,if=none,id={id}"];
        }
    }

    [SkippableTheory]
    [QemuVersions]
    public async Task Request_in_flight_is_loaded_again(string version)
    {
        File.WriteAllBytes(Path.Combine(folder, "disk"), new byte[1 << 20]);
        // Only the source's disk fails: the destination tries again, finds nothing to boot and waits.
        string[] arguments = ["-device", "virtio-blk-pci,drive=d"];
        string drive = $"driver=raw,if=none,id=d,rerror=stop,file.driver=blkdebug,file.image.driver=file,file.image.filename={Path.Combine(folder, "disk")}";
        string error = ",file.inject-error.0.event=read_aio,file.inject-error.0.iotype=read,file.inject-error.0.errno=5";
        string saved = Path.Combine(folder, "saved.mig");
        await using (QemuProcess qemu = await QemuProcess.StartAsync(
            TestQemu.Require(version), new QemuOptions { MemoryMiB = 16, Arguments = ["-drive", drive + error, .. arguments] }))
        {
            await qemu.WaitForRunStateAsync("io-error");
            await qemu.SaveToFileAsync(saved);
        }
        string rewritten = Rewrite(saved);
        Assert.Equal(File.ReadAllBytes(saved), File.ReadAllBytes(rewritten));

        await using QemuProcess destination = await QemuProcess.StartAsync(
            TestQemu.Require(version), new QemuOptions { MemoryMiB = 16, Incoming = true, Paused = true, Arguments = ["-drive", drive, .. arguments] });
        await destination.LoadAsync(rewritten);
        await destination.ExecuteAsync("cont");
        string device = (await destination.ExecuteAsync("query-blockstats"))[0].GetProperty("qdev").GetString()!;
        Assert.Contains("virtio", device, StringComparison.Ordinal);
        await RequestsAreDone(destination);
    }

    [SkippableTheory]
    [InlineData("7.2", "10.0", "pc-i440fx-7.2")]
    [InlineData("7.2", "10.0", "pc-q35-7.2")]
    [InlineData("10.0", "7.2", "pc-i440fx-7.2")]
    [InlineData("10.0", "7.2", "pc-q35-7.2")]
    public async Task Rewritten_stream_is_accepted_by_the_other_release_where_the_original_is(string source, string destination, string machine)
    {
        string saved = await Save(source, machine, ["-device", "e1000"]);
        string rewritten = Rewrite(saved);
        Assert.Equal(File.ReadAllBytes(saved), File.ReadAllBytes(rewritten));

        string? original = await Load(destination, machine, saved, ["-device", "e1000"]);
        string? result = await Load(destination, machine, rewritten, ["-device", "e1000"]);

        Assert.Equal(original is null, result is null);
    }

    [SkippableTheory]
    [QemuVersions("pc", "q35")]
    public async Task Fields_agree_with_the_trailer_in_offset_size_and_value(string version, string machine)
    {
        string saved = await Save(version, machine, ["-device", "e1000"]);
        var decoded = new List<string>();
        using FileStream input = File.OpenRead(saved);
        var reader = new QemuStreamReader(input);
        while (reader.Read())
        {
            if (reader.Current is not { Kind: QemuElementKind.Section, Description: VmDeviceDescription description })
                continue;
            byte[] data = reader.ReadAllData();
            DecodedSection? section = SectionDecoder.Decode(description, reader.Section.Version, data, out string reason, out bool hasClass);
            Assert.True(section is not null || !hasClass, $"{reader.Section}: {reason}");
            if (section is null)
                continue;
            // Of an old-style section the trailer knows nothing but the size.
            if (description.IsOldStyle)
                continue;
            decoded.Add(description.State.Name);
            Assert.Equal(
                VmDescriptionFields.Enumerate(description, data).Select(field => (field.Path, field.Type, field.Offset, field.Size, Value(field, data))),
                section.Fields.Select(field => (field.Path, field.Type, field.Offset, field.Size, Value(field, section.Data))));
        }
        string[] expected = machine == "pc" ? PcDevices : PcDevices.Where(name => name != "fdc").ToArray();
        Assert.Empty(expected.Append("e1000").Except(decoded));
    }

    [SkippableTheory]
    [QemuVersions]
    public async Task One_field_can_be_set_and_nothing_else_changes(string version)
    {
        string saved = await Save(version, "pc", []);
        string changed = Path.Combine(folder, "changed.mig");
        byte[] before = File.ReadAllBytes(saved);

        int code = RewriteCommand.Run(
            new FileInfo(saved), new FileInfo(changed), [new FieldChange("i8254/channels[1]/mode", "2")], strict: true, TextWriter.Null, TextWriter.Null);

        Assert.Equal(ExitCodes.Done, code);
        byte[] after = File.ReadAllBytes(changed);
        Assert.Equal(before.Length, after.Length);
        Assert.Single(Enumerable.Range(0, before.Length), i => before[i] != after[i]);
        Assert.Null(await Load(version, "pc", changed, []));
    }

    [SkippableTheory]
    [QemuVersions]
    public async Task Field_that_something_depends_on_is_refused(string version)
    {
        string saved = await Save(version, "pc", []);

        var refused = Assert.Throws<FieldChangeException>(() => RewriteCommand.Run(
            new FileInfo(saved), new FileInfo(Path.Combine(folder, "changed.mig")), [new FieldChange("fdc/state/num_floppies", "1")], false, TextWriter.Null, TextWriter.Null));

        Assert.Contains("fdc/state/num_floppies", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder, "changed*"));
    }

    /// <summary>The disk has been read from, and nothing stopped the guest again.</summary>
    private static async Task RequestsAreDone(QemuProcess qemu)
    {
        for (int i = 0; i < 500; i++)
        {
            if ((await qemu.ExecuteAsync("query-blockstats"))[0].GetProperty("stats").GetProperty("rd_operations").GetInt64() > 0)
                break;
            await Task.Delay(20);
        }
        Assert.NotEqual(0, (await qemu.ExecuteAsync("query-blockstats"))[0].GetProperty("stats").GetProperty("rd_operations").GetInt64());
        Assert.Equal("running", (await qemu.ExecuteAsync("query-status")).GetProperty("status").GetString());
    }

    private static string Value(VmDescriptionSpan field, byte[] data) => FieldValue.Format(field.Type, data.AsSpan((int)field.Offset, field.Size));

    private static QemuOptions Options(string machine, string accelerator = "tcg") =>
        new() { Machine = machine, Accelerator = accelerator, Guest = new CountingGuest() };

    /// <returns>The saved stream.</returns>
    private async Task<string> GoesOn(string version, QemuOptions options)
    {
        string saved = await Save(version, options);
        string rewritten = Rewrite(saved);
        Assert.Equal(File.ReadAllBytes(saved), File.ReadAllBytes(rewritten));
        Assert.Null(await Load(version, options, rewritten));
        return saved;
    }

    private Task<string> Save(string version, string machine, string[] arguments) => Save(version, Options(machine) with { Arguments = arguments });

    private async Task<string> Save(string version, QemuOptions options)
    {
        Skip.If(options.Accelerator == "kvm" && !TestQemu.HasKvm, "there is no usable /dev/kvm");
        string path = Path.Combine(folder, "saved.mig");
        await using QemuProcess qemu = await QemuProcess.StartAsync(TestQemu.Require(version), options);
        await CountingGuest.WaitForCountAsync(qemu, 1);
        await qemu.SaveToFileAsync(path);
        return path;
    }

    private string Rewrite(string saved)
    {
        string path = Path.Combine(folder, "rewritten.mig");
        using FileStream input = File.OpenRead(saved);
        using FileStream output = File.Create(path);
        IReadOnlyList<SectionReport> sections = StreamRewriter.Rewrite(input, output, []);
        Assert.DoesNotContain(sections, section => section is { Fields: null, IsRam: false });
        return path;
    }

    private static Task<string?> Load(string version, string machine, string path, string[] arguments) =>
        Load(version, Options(machine) with { Arguments = arguments }, path);

    /// <returns>Null if the guest goes on and its RAM is whole; else why QEMU refused the stream.</returns>
    private static async Task<string?> Load(string version, QemuOptions options, string path)
    {
        await using QemuProcess qemu = await QemuProcess.StartAsync(TestQemu.Require(version), options with { Incoming = true });
        try
        {
            await qemu.LoadAsync(path);
        }
        catch (QemuMigrationException e)
        {
            return e.Message;
        }
        ulong loaded = await CountingGuest.ReadCounterAsync(qemu) ?? 0;
        await CountingGuest.WaitForCountAsync(qemu, loaded + 1);
        AssertGuest.IsWhole(await options.Guest!.FindDamageAsync(qemu));
        return null;
    }
}
