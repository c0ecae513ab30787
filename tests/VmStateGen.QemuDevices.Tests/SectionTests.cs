using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using QemuDevices;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>What holds for every section that a QEMU wrote and every device of the catalog.</summary>
public sealed class SectionTests
{
    /// <summary>
    /// What no QEMU here could be brought to save: state of KVM's that this needs hardware for, of processors that TCG is not, of
    /// releases yet newer. UnsavedSubsectionTests has them.
    /// </summary>
    private static readonly string[] NotSaved =
    [
        "cpu/amd_tsc_scale_msr", "cpu/apx", "cpu/arch_lbr", "cpu/cet", "cpu/cet_shstk", "cpu/efer32", "cpu/error_code", "cpu/exception_info", "cpu/fred",
        "cpu/intel_amx_xtile", "cpu/intel_sgx", "cpu/kvm_nested_state/svm", "cpu/kvm_nested_state/vmx", "cpu/kvm_nested_state/vmx/shadow_vmcs12",
        "cpu/kvm_nested_state/vmx/vmcs12", "cpu/mcg_ext_ctl", "cpu/msr_hyperv_runtime", "cpu/msr_pl0_ssp", "cpu/msr_tsx_ctrl", "cpu/msr_xfd",
        "cpu/nested_state", "cpu/svn_npt", "cpu/xen_vcpu", "hpet/offset", "ide bmdma/status",
    ];

    private static readonly string[] NotSavedBy72 = ["cpu/msr_hwcr"];

    public static TheoryData<string> Keys => Fixture.Keys;

    [Theory, MemberData(nameof(Keys))]
    public void Loaded_saved_and_described_it_is_what_QEMU_wrote(string key) =>
        SectionAssert.IsReproduced(Fixture.Get(key), Fixture.Qemu(key));

    [Theory, MemberData(nameof(Keys))]
    public void It_fits_into_MaxSize(string key)
    {
        DeviceSection section = Fixture.Get(key);
        IVmState device = SectionAssert.Load(section);
        Assert.InRange(section.Data.Length, 1, VmState.MaxSize(device));
        Assert.Equal(section.Data.Length, VmState.Save(device, new byte[section.Data.Length]));
    }

    [Theory, MemberData(nameof(Keys))]
    public void It_passes_through_a_stream_in_small_pieces(string key)
    {
        DeviceSection section = Fixture.Get(key);
        IVmState device = SectionAssert.Create(section);
        VmState.Load(device, new Trickle(section.Data), section.Version);
        using var saved = new MemoryStream();
        Assert.Equal(section.Data.Length, VmState.Save(device, saved));
        Assert.True(saved.ToArray().AsSpan().SequenceEqual(section.Data));
    }

    [Theory, MemberData(nameof(Keys))]
    public void A_second_load_forgets_what_the_first_one_left(string key)
    {
        // Into a device that has just had every other section of its configuration, and so every subsection.
        DeviceSection section = Fixture.Get(key);
        IVmState device = SectionAssert.Create(section);
        Func<IVmState> create = SectionAssert.Factory(section);
        foreach (DeviceSection other in Fixture.All.Where(other => other.VmsdName == section.VmsdName && SectionAssert.Fits(create(), other)))
            VmState.Load(device, other.Data, other.Version);
        VmState.Load(device, section.Data, section.Version);
        Assert.Equal(section.Description, SectionAssert.Describe(section, device, Fixture.Qemu(key)));
        Assert.True(SectionAssert.Save(device).AsSpan().SequenceEqual(section.Data));
    }

    [Theory, MemberData(nameof(Keys))]
    public void Saving_and_loading_again_allocate_nothing(string key)
    {
        DeviceSection section = Fixture.Get(key);
        IVmState device = SectionAssert.Load(section);
        byte[] buffer = new byte[section.Data.Length];
        long allocated = 0;
        for (int round = 0; round < 3; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            VmState.Load(device, section.Data, section.Version);
            int size = VmState.Save(device, buffer);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(section.Data.Length, size);
        }
        Assert.Equal(0, allocated);
    }

    [Theory, MemberData(nameof(Keys))]
    public void A_newer_version_is_refused_before_anything_is_read(string key)
    {
        DeviceSection section = Fixture.Get(key);
        IVmState device = SectionAssert.Create(section);
        int newer = section.Version + 1;
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(device, section.Data, newer));
        Assert.Equal(section.VmsdName, e.Device);
        Assert.Equal("", e.FieldPath);
        Assert.Contains($"version {newer} ", e.Found, StringComparison.Ordinal);
        Assert.Contains($"{device.StateType.Version}", e.Expected, StringComparison.Ordinal);
        Assert.Equal(0, e.Offset);
        Assert.Contains($"{section.VmsdName}: expected ", e.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Keys))]
    public void A_version_below_the_oldest_is_refused(string key)
    {
        DeviceSection section = Fixture.Get(key);
        IVmState device = SectionAssert.Create(section);
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(device, section.Data, device.StateType.MinimumVersion - 1));
        Assert.Equal(section.VmsdName, e.Device);
        Assert.Contains($"version {device.StateType.MinimumVersion - 1} ", e.Found, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Keys))]
    public void An_unknown_subsection_is_refused_by_name(string key)
    {
        DeviceSection section = Fixture.Get(key);
        byte[] bytes = [.. section.Data, .. Header(section.VmsdName + "/of_tomorrow", 7), 1, 2, 3];
        // What is saved as a struct and nothing else leaves the look-out for subsections to that struct.
        string inner = section.VmsdName switch
        {
            "serial" or "fdc" => "state",
            "pckbd" => "kbd",
            "vga" => "vga",
            "cirrus_vga" => "cirrus_vga",
            string name when name.StartsWith("virtio-", StringComparison.Ordinal) => "virtio › extras",
            _ => "",
        };
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(SectionAssert.Create(section), bytes, section.Version));
        Assert.Equal(section.VmsdName, e.Device);
        Assert.Equal(inner, e.FieldPath);
        Assert.Equal($"\"{section.VmsdName}/of_tomorrow\" version 7 (a newer release wrote it)", e.Found);
        Assert.NotEmpty(e.Expected!);
        Assert.Equal(section.Data.Length, e.Offset);
    }

    [Fact]
    public void A_subsection_of_a_newer_version_is_refused_with_its_path()
    {
        DeviceSection section = Fixture.Get("7.2 serial-loopback serial#0");
        byte[] bytes = [.. section.Data];
        ReadOnlySpan<byte> name = "serial/recv_fifo"u8;
        int version = bytes.AsSpan().IndexOf(name) + name.Length + 3;
        bytes[version]++;
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(new IsaSerial(), bytes, section.Version));
        Assert.Equal("serial", e.Device);
        Assert.Equal("state › serial/recv_fifo", e.FieldPath);
        Assert.Equal("version 1", e.Expected);
        Assert.Equal("version 2 (a newer release wrote it)", e.Found);
        Assert.Equal(version + 1, e.Offset);
    }

    [Fact]
    public void A_controller_of_another_number_of_drives_is_refused()
    {
        DeviceSection section = Fixture.All.First(section => section.VmsdName == "fdc");
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(new IsaFloppyController(drives: 1), section.Data, section.Version));
        Assert.Equal("fdc › state › num_floppies: expected 1, the value of this side, found 2 at offset 0x21e", e.Message.Replace($"{e.Offset:x}", "21e", StringComparison.Ordinal));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(3)]
    public void An_interrupt_line_that_is_neither_on_nor_off_is_refused(int line)
    {
        DeviceSection section = Fixture.All.First(section => section.VmsdName == "e1000");
        byte[] bytes = [.. section.Data];
        int at = sizeof(int) + 256 + line * sizeof(uint);
        bytes[at + 3] = 2;
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(new E1000(), bytes, section.Version));
        Assert.Equal($"e1000 › parent_obj › irq_state: expected 0 or 1, the state of an interrupt line, found 2 at offset 0x{at:x}", e.Message);
    }

    [Fact]
    public void A_PCI_device_of_a_newer_layout_is_refused()
    {
        DeviceSection section = Fixture.All.First(section => section.VmsdName == "e1000");
        byte[] bytes = [.. section.Data];
        bytes[3] = 3;
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(new E1000(), bytes, section.Version));
        Assert.Equal("e1000 › parent_obj › version_id: expected 0 to 2, the value of this side, found 3 at offset 0x0", e.Message);
    }

    [Fact]
    public void Every_subsection_of_every_device_is_in_a_section_of_each_QEMU()
    {
        // Two types are of no device of QEMU's.
        Type[] types = [.. typeof(E1000).Assembly.GetTypes().Except([typeof(FrontPanel), typeof(PanelLed)])];
        string[] declared =
        [
            .. types.SelectMany(type => type.GetCustomAttributes<SubsectionAttribute>().Select(attribute => attribute.Name!)),
            .. types
                .SelectMany(type => type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                .Where(field => field.GetCustomAttributes<SubsectionAttribute>().Any())
                .Select(field => Nullable.GetUnderlyingType(field.FieldType) ?? field.FieldType)
                .Select(type => type.GetCustomAttribute<VmStateAttribute>()!.Name!),
        ];
        Assert.Equal(121, declared.Length);
        Assert.Empty(NotSaved.Except(declared));
        foreach (string qemu in new[] { "7.2", "10.0" })
        {
            DeviceSection[] sections = [.. Fixture.Of(qemu)];
            string[] seen = [.. declared.Where(name => sections.Any(section => section.HasSubsection(name)))];
            string[] unseen = [.. NotSaved, .. qemu == "7.2" ? NotSavedBy72 : []];
            Assert.Equal(unseen.Order(StringComparer.Ordinal), declared.Except(seen).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void The_catalog_has_every_device_that_there_is_a_section_of()
    {
        Assert.Equal(Fixture.All.Select(section => section.VmsdName).Distinct().Order(StringComparer.Ordinal), DeviceCatalog.Names);
        Assert.All(DeviceCatalog.Names, name => Assert.All(DeviceCatalog.Candidates(name), device =>
        {
            Assert.Equal(name, device.StateType.Name);
            Assert.True(device.StateType.IsSection);
        }));
        Assert.Empty(DeviceCatalog.Candidates("no-such-device"));
        Assert.NotSame(DeviceCatalog.Candidates("i8254").First(), DeviceCatalog.Candidates("i8254").First());
    }

    private static byte[] Header(string name, byte version) => [0x05, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), 0, 0, 0, version];

    /// <summary>Never gives more than 1000 bytes at once, and often just one.</summary>
    private sealed class Trickle(byte[] data) : MemoryStream(data)
    {
        private int reads;

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, reads++ % 3 == 0 ? 1000 : 1)]);
    }
}
