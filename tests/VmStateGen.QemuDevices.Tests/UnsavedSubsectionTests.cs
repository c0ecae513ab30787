using System.Linq;
using System.Text;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>
/// Subsections that no QEMU here could be brought to save. QEMU loads most of them (the scene <c>cpu-loaded</c>), which proves their size;
/// here they are loaded, saved and described by the class itself.
/// </summary>
public sealed class UnsavedSubsectionTests
{
    /// <summary>Section, subsection with its version, bytes of its fields (0: all of them are), and the subsections within it, in the same form.</summary>
    public static TheoryData<string, string[]> Chains => new()
    {
        { "stock-pc hpet#0", ["hpet/offset 1 8"] },
        { "stock-pc cpu#0", ["cpu/exception_info 1 11"] },
        { "stock-pc cpu#0", ["cpu/error_code 1 4"] },
        { "stock-pc cpu#0", ["cpu/msr_hyperv_runtime 1 8"] },
        { "stock-pc cpu#0", ["cpu/amd_tsc_scale_msr 1 8"] },
        { "stock-pc cpu#0", ["cpu/mcg_ext_ctl 1 8"] },
        { "stock-pc cpu#0", ["cpu/svn_npt 1 12"] },
        { "stock-pc cpu#0", ["cpu/efer32 1 8 0"] },
        { "stock-pc cpu#0", ["cpu/xen_vcpu 1 97"] },
        { "stock-pc cpu#0", ["cpu/msr_tsx_ctrl 1 4"] },
        { "stock-pc cpu#0", ["cpu/intel_sgx 1 32"] },
        { "stock-pc cpu#0", ["cpu/msr_xfd 1 16"] },
        { "stock-pc cpu#0", ["cpu/msr_hwcr 1 8"] },
        { "stock-pc cpu#0", ["cpu/fred 1 72"] },
        { "stock-pc cpu#0", ["cpu/intel_amx_xtile 1 8256"] },
        { "stock-pc cpu#0", ["cpu/arch_lbr 1 784"] },
        { "stock-pc cpu#0", ["cpu/msr_pl0_ssp 1 8"] },
        { "stock-pc cpu#0", ["cpu/cet 1 16", "cpu/cet_shstk 1 40"] },
        { "stock-pc cpu#0", ["cpu/apx 1 128"] },
        { "stock-pc cpu#0", ["cpu/nested_state 1 8", "cpu/kvm_nested_state/vmx 1 18", "cpu/kvm_nested_state/vmx/vmcs12 1 4096"] },
        { "stock-pc cpu#0", ["cpu/nested_state 1 8", "cpu/kvm_nested_state/vmx 1 18", "cpu/kvm_nested_state/vmx/shadow_vmcs12 1 4096"] },
        { "stock-pc cpu#0", ["cpu/nested_state 1 8", "cpu/kvm_nested_state/svm 1 4104"] },
    };

    [Theory, MemberData(nameof(Chains))]
    public void It_is_loaded_saved_and_described(string name, string[] subsections)
    {
        DeviceSection section = Fixture.Get("10.0 " + name);
        byte[] resting = WithoutSubsections(section);
        byte[] bytes = [.. resting, .. subsections.SelectMany(Subsection)];
        IVmState device = SectionAssert.Create(section);
        VmState.Load(device, bytes, section.Version);
        Assert.Equal(bytes, SectionAssert.Save(device));
        string description = SectionAssert.Describe(section, device, "10.0");
        Assert.All(subsections, subsection => Assert.Contains($"\"vmsd_name\": \"{subsection.Split(' ')[0]}\"", description, System.StringComparison.Ordinal));

        VmState.Load(device, resting, section.Version);
        Assert.Equal(resting, SectionAssert.Save(device));
    }

    private static byte[] WithoutSubsections(DeviceSection section) => section.Data[..(int)section.Parsed.State.FieldsSize];

    private static byte[] Subsection(string text)
    {
        string[] words = text.Split(' ');
        int size = int.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture);
        // What is a register's second copy must be like the first.
        byte[] data = words.Length > 3 ? new byte[size] : [.. Enumerable.Range(1, size).Select(i => (byte)i)];
        return [0x05, (byte)words[0].Length, .. Encoding.ASCII.GetBytes(words[0]), 0, 0, 0, byte.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture), .. data];
    }
}
