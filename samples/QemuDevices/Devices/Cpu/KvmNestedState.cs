using VmStateGen;

namespace QemuDevices;

/// <summary>What KVM keeps of a guest that is a hypervisor itself; Intel's and AMD's parts are subsections.</summary>
[VmState("cpu/kvm_nested_state", Nested = true)]
public sealed partial class KvmNestedState
{
    [Field] private ushort flags;
    [Field] private ushort format;
    [Field] private uint size;

    [Subsection] private NestedVmx? vmx;
    [Subsection] private NestedSvm? svm;
}

/// <summary>Intel's part.</summary>
[VmState("cpu/kvm_nested_state/vmx", Nested = true)]
public sealed partial class NestedVmx
{
    [Field("hdr.vmx.vmxon_pa")] private ulong vmxonPa;
    [Field("hdr.vmx.vmcs12_pa")] private ulong vmcs12Pa;
    [Field("hdr.vmx.smm.flags")] private ushort smmFlags;

    [Subsection] private NestedVmcs? vmcs12;
    [Subsection("cpu/kvm_nested_state/vmx/shadow_vmcs12")] private NestedShadowVmcs? shadow;
}

/// <summary>The guest's current control structure.</summary>
[VmState("cpu/kvm_nested_state/vmx/vmcs12", Nested = true)]
public sealed partial class NestedVmcs
{
    [Field("data.vmx[0].vmcs12", Length = 4096, As = WireType.U8)] private readonly byte[] vmcs12 = new byte[4096];
}

/// <summary>Its shadow.</summary>
[VmState("cpu/kvm_nested_state/vmx/shadow_vmcs12", Nested = true)]
public sealed partial class NestedShadowVmcs
{
    [Field("data.vmx[0].shadow_vmcs12", Length = 4096, As = WireType.U8)] private readonly byte[] shadowVmcs12 = new byte[4096];
}

/// <summary>AMD's part.</summary>
[VmState("cpu/kvm_nested_state/svm", Nested = true)]
public sealed partial class NestedSvm
{
    [Field("hdr.svm.vmcb_pa")] private ulong vmcbPa;
    [Field("data.svm[0].vmcb12", Length = 4096, As = WireType.U8)] private readonly byte[] vmcb12 = new byte[4096];
}
