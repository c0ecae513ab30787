using VmStateGen;

namespace QemuDevices;

/// <summary>A segment register, the hidden part of it included.</summary>
[VmState("segment", Nested = true)]
public partial struct CpuSegment
{
    [Field] private uint selector;
    [Field] private ulong @base;
    [Field] private uint limit;
    [Field] private uint flags;
}

/// <summary>An x87 register: 80 bits, which are on the wire as mantissa and the rest (qemu-migration.md §11).</summary>
[VmState("fpreg", Nested = true, Version = 0, MinimumVersion = 0)]
public partial struct FpRegister
{
    [Field("tmp", Via = typeof(FpRegisterParts))] private Extended80 value;
}

/// <summary>A number in the x87's own format.</summary>
/// <param name="Mantissa">With the explicit leading bit.</param>
/// <param name="SignAndExponent">The sign in bit 15.</param>
public readonly record struct Extended80(ulong Mantissa, ushort SignAndExponent);

/// <summary>QEMU's temporary between the register and the wire.</summary>
[VmState("fpreg_tmp", Nested = true, Version = 0, MinimumVersion = 0)]
public partial struct FpRegisterParts : IVmStateCompanion<Extended80>
{
    [Field] private ulong tmpMant;
    [Field] private ushort tmpExp;

    /// <inheritdoc/>
    public void CopyFrom(in Extended80 value) => (tmpMant, tmpExp) = (value.Mantissa, value.SignAndExponent);

    /// <inheritdoc/>
    public void CopyTo(ref Extended80 value) => value = new Extended80(tmpMant, tmpExp);
}

/// <summary>Bits 0 to 127 of a vector register.</summary>
[VmState("xmm_reg", Nested = true)]
public partial struct XmmRegister
{
    [Field("_q_ZMMReg[0]")] private ulong q0;
    [Field("_q_ZMMReg[1]")] private ulong q1;
}

/// <summary>Bits 128 to 255 of a vector register.</summary>
[VmState("ymmh_reg", Nested = true)]
public partial struct YmmhRegister
{
    [Field("_q_ZMMReg[2]")] private ulong q2;
    [Field("_q_ZMMReg[3]")] private ulong q3;
}

/// <summary>Bits 256 to 511 of a vector register.</summary>
[VmState("zmmh_reg", Nested = true)]
public partial struct ZmmhRegister
{
    [Field("_q_ZMMReg[4]")] private ulong q4;
    [Field("_q_ZMMReg[5]")] private ulong q5;
    [Field("_q_ZMMReg[6]")] private ulong q6;
    [Field("_q_ZMMReg[7]")] private ulong q7;
}

/// <summary>One of the vector registers 16 to 31, which only AVX-512 has: all 512 bits.</summary>
[VmState("hi16_zmm_reg", Nested = true)]
public partial struct Hi16ZmmRegister
{
    [Field("_q_ZMMReg[0]")] private ulong q0;
    [Field("_q_ZMMReg[1]")] private ulong q1;
    [Field("_q_ZMMReg[2]")] private ulong q2;
    [Field("_q_ZMMReg[3]")] private ulong q3;
    [Field("_q_ZMMReg[4]")] private ulong q4;
    [Field("_q_ZMMReg[5]")] private ulong q5;
    [Field("_q_ZMMReg[6]")] private ulong q6;
    [Field("_q_ZMMReg[7]")] private ulong q7;
}

/// <summary>A bounds register of MPX.</summary>
[VmState("bnd_regs", Nested = true)]
public partial struct BoundRegister
{
    [Field("lb")] private ulong lower;
    [Field("ub")] private ulong upper;
}

/// <summary>A variable-range memory type register.</summary>
[VmState("mtrr_var", Nested = true)]
public partial struct VariableMtrr
{
    [Field] private ulong @base;
    [Field] private ulong mask;
}

/// <summary>An entry of the architectural last-branch record.</summary>
[VmState("lbr_records_var", Nested = true)]
public partial struct LastBranchRecord
{
    [Field] private ulong from;
    [Field] private ulong to;
    [Field] private ulong info;
}
