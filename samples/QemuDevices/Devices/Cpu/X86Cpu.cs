using VmStateGen;

namespace QemuDevices;

/// <summary>A virtual CPU: section <c>cpu</c>, one instance each. qemu-migration.md §12: no dump lists it.</summary>
/// <remarks>
/// When QEMU sends the subsections is not known in full here, so what a stream had is kept. The tests bring them into streams by
/// loading them where no guest of theirs causes them. QEMU's layout is followed in small things too: the parts of a vector register are
/// members of their own, because that is how they are on the wire, and <c>efer</c> comes a second time where a CPU has no long mode.
/// </remarks>
[VmState("cpu", Version = 12, MinimumVersion = 11)]
[Subsection("cpu/exception_info", Present = nameof(hasExceptionInfo))]
[Subsection("cpu/error_code", Present = nameof(hasErrorCodeState))]
[Subsection("cpu/async_pf_msr", Present = nameof(hasAsyncPfMsr))]
[Subsection("cpu/async_pf_int_msr", Present = nameof(hasAsyncPfIntMsr))]
[Subsection("cpu/async_pv_eoi_msr", Present = nameof(hasAsyncPvEoiMsr))]
[Subsection("cpu/steal_time_msr", Present = nameof(hasStealTimeMsr))]
[Subsection("cpu/poll_control_msr", Present = nameof(hasPollControlMsr))]
[Subsection("cpu/fpop_ip_dp", Present = nameof(hasFpopIpDp))]
[Subsection("cpu/msr_tsc_adjust", Present = nameof(hasMsrTscAdjust))]
[Subsection("cpu/msr_tscdeadline", Present = nameof(hasMsrTscdeadline))]
[Subsection("cpu/msr_ia32_misc_enable", Present = nameof(hasMsrIa32MiscEnable))]
[Subsection("cpu/msr_ia32_feature_control", Present = nameof(hasMsrIa32FeatureControl))]
[Subsection("cpu/msr_architectural_pmu", Present = nameof(hasMsrArchitecturalPmu))]
[Subsection("cpu/mpx", Present = nameof(hasMpx))]
[Subsection("cpu/msr_hyperv_hypercall", Present = nameof(hasMsrHypervHypercall))]
[Subsection("cpu/msr_hyperv_vapic", Present = nameof(hasMsrHypervVapic))]
[Subsection("cpu/msr_hyperv_time", Present = nameof(hasMsrHypervTime))]
[Subsection("cpu/msr_hyperv_crash", Present = nameof(hasMsrHypervCrash))]
[Subsection("cpu/msr_hyperv_runtime", Present = nameof(hasMsrHypervRuntime))]
[Subsection("cpu/msr_hyperv_synic", Present = nameof(hasMsrHypervSynic))]
[Subsection("cpu/msr_hyperv_stimer", Present = nameof(hasMsrHypervStimer))]
[Subsection("cpu/msr_hyperv_reenlightenment", Present = nameof(hasMsrHypervReenlightenment))]
[Subsection("cpu/avx512", Present = nameof(hasAvx512))]
[Subsection("cpu/xss", Present = nameof(hasXss))]
[Subsection("cpu/umwait", Present = nameof(hasUmwait))]
[Subsection("cpu/tsc_khz", Present = nameof(hasTscKhz))]
[Subsection("cpu/msr_smi_count", Present = nameof(hasMsrSmiCount))]
[Subsection("cpu/pkru", Present = nameof(hasPkru))]
[Subsection("cpu/pkrs", Present = nameof(hasPkrs))]
[Subsection("cpu/spec_ctrl", Present = nameof(hasSpecCtrl))]
[Subsection("cpu/amd_tsc_scale_msr", Present = nameof(hasAmdTscScaleMsr))]
[Subsection("cpu/mcg_ext_ctl", Present = nameof(hasMcgExtCtl))]
[Subsection("cpu/intel_pt", Present = nameof(hasIntelPt))]
[Subsection("cpu/virt_ssbd", Present = nameof(hasVirtSsbd))]
[Subsection("cpu/svn_npt", Present = nameof(hasSvnNpt))]
[Subsection("cpu/svm_guest", Present = nameof(hasSvmGuest))]
[Subsection("cpu/efer32", Present = nameof(hasEfer32))]
[Subsection("cpu/nested_state", Present = nameof(hasNestedState))]
[Subsection("cpu/xen_vcpu", Present = nameof(hasXenVcpu))]
[Subsection("cpu/msr_tsx_ctrl", Present = nameof(hasMsrTsxCtrl))]
[Subsection("cpu/intel_sgx", Present = nameof(hasIntelSgx))]
[Subsection("cpu/pdptrs", Present = nameof(hasPdptrs))]
[Subsection("cpu/msr_xfd", Present = nameof(hasMsrXfd))]
[Subsection("cpu/msr_hwcr", Present = nameof(hasMsrHwcr))]
[Subsection("cpu/fred", Present = nameof(hasFred))]
[Subsection("cpu/intel_amx_xtile", Present = nameof(hasIntelAmxXtile))]
[Subsection("cpu/arch_lbr", Present = nameof(hasArchLbr))]
[Subsection("cpu/triple_fault", Present = nameof(hasTripleFault))]
[Subsection("cpu/msr_pl0_ssp", Present = nameof(hasMsrPl0Ssp))]
public sealed partial class X86Cpu
{
    [Field("env.regs", Length = 16)] private readonly ulong[] regs = new ulong[16];
    [Field("env.eip")] private ulong eip;
    [Field("env.eflags")] private ulong eflags;
    [Field("env.hflags")] private uint hflags;
    [Field("env.fpuc")] private ushort fpuc;
    [Field("env.fpus_vmstate")] private ushort fpusVmstate;
    [Field("env.fptag_vmstate")] private ushort fptagVmstate;
    [Field("env.fpregs_format_vmstate")] private ushort fpregsFormatVmstate;
    [Field("env.fpregs", Length = 8)] private readonly FpRegister[] fpregs = new FpRegister[8];
    [Field("env.segs", Length = 6)] private readonly CpuSegment[] segs = new CpuSegment[6];
    [Field("env.ldt")] private CpuSegment ldt;
    [Field("env.tr")] private CpuSegment tr;
    [Field("env.gdt")] private CpuSegment gdt;
    [Field("env.idt")] private CpuSegment idt;
    [Field("env.sysenter_cs")] private uint sysenterCs;
    [Field("env.sysenter_esp")] private ulong sysenterEsp;
    [Field("env.sysenter_eip")] private ulong sysenterEip;
    [Field("env.cr[0]", Element = 0)]
    [Field("env.cr[2]", Element = 2)]
    [Field("env.cr[3]", Element = 3)]
    [Field("env.cr[4]", Element = 4)]
    private readonly ulong[] cr = new ulong[5];
    [Field("env.dr", Length = 8)] private readonly ulong[] dr = new ulong[8];
    [Field("env.a20_mask")] private int a20Mask;
    [Field("env.mxcsr")] private uint mxcsr;
    [Field("env.xmm_regs", Length = 16)] private readonly XmmRegister[] xmmRegisters = new XmmRegister[16];
    [Ignore("whether its subsection came")] private bool hasEfer32;
    [Field("env.efer")]
    [Field("env.efer", Subsection = "cpu/efer32")]
    private ulong efer;
    [Field("env.star")] private ulong star;
    [Field("env.lstar")] private ulong lstar;
    [Field("env.cstar")] private ulong cstar;
    [Field("env.fmask")] private ulong fmask;
    [Field("env.kernelgsbase")] private ulong kernelgsbase;
    [Field("env.smbase")] private uint smbase;
    [Field("env.pat")] private ulong pat;
    [Field("env.hflags2")] private uint hflags2;
    [Field("env.vm_hsave")] private ulong vmHsave;
    [Field("env.vm_vmcb")] private ulong vmVmcb;
    [Field("env.tsc_offset")] private ulong tscOffset;
    [Field("env.intercept")] private ulong intercept;
    [Field("env.intercept_cr_read")] private ushort interceptCrRead;
    [Field("env.intercept_cr_write")] private ushort interceptCrWrite;
    [Field("env.intercept_dr_read")] private ushort interceptDrRead;
    [Field("env.intercept_dr_write")] private ushort interceptDrWrite;
    [Field("env.intercept_exceptions")] private uint interceptExceptions;
    [Field("env.v_tpr")] private byte vTpr;
    [Field("env.mtrr_fixed", Length = 11)] private readonly ulong[] mtrrFixed = new ulong[11];
    [Field("env.mtrr_deftype")] private ulong mtrrDeftype;
    [Field("env.mtrr_var", Length = 8)] private readonly VariableMtrr[] mtrrVar = new VariableMtrr[8];
    [Field("env.interrupt_injected")] private int interruptInjected;
    [Field("env.mp_state")] private uint mpState;
    [Field("env.tsc")] private ulong tsc;
    [Field("env.exception_nr")] private int exceptionNr;
    [Field("env.soft_interrupt")] private byte softInterrupt;
    [Field("env.nmi_injected")] private byte nmiInjected;
    [Field("env.nmi_pending")] private byte nmiPending;
    [Field("env.has_error_code")] private byte hasErrorCode;
    [Field("env.sipi_vector")] private uint sipiVector;
    [Field("env.mcg_cap")] private ulong mcgCap;
    [Field("env.mcg_status")] private ulong mcgStatus;
    [Field("env.mcg_ctl")] private ulong mcgCtl;
    [Field("env.mce_banks", Length = 40)] private readonly ulong[] mceBanks = new ulong[40];
    [Field("env.tsc_aux")] private ulong tscAux;
    [Field("env.system_time_msr")] private ulong systemTimeMsr;
    [Field("env.wall_clock_msr")] private ulong wallClockMsr;
    /// <summary>A stream of version 11 leaves it as a reset does: x87 alone, which cannot be turned off.</summary>
    [Field("env.xcr0", Version = 12, Default = 1UL)] private ulong xcr0;
    [Field("env.xstate_bv", Version = 12, Default = 0UL)] private ulong xstateBv;
    [Field("env.xmm_regs", Length = 16, Version = 12)] private readonly YmmhRegister[] ymmhRegisters = new YmmhRegister[16];

    [Ignore("whether its subsection came")] private bool hasExceptionInfo;
    [Field("env.exception_pending", Subsection = "cpu/exception_info")] private byte exceptionPending;
    [Field("env.exception_injected", Subsection = "cpu/exception_info")] private byte exceptionInjected;
    [Field("env.exception_has_payload", Subsection = "cpu/exception_info")] private byte exceptionHasPayload;
    [Field("env.exception_payload", Subsection = "cpu/exception_info")] private ulong exceptionPayload;

    [Ignore("whether its subsection came")] private bool hasErrorCodeState;
    [Field("env.error_code", Subsection = "cpu/error_code")] private int errorCode;

    [Ignore("whether its subsection came")] private bool hasAsyncPfMsr;
    [Field("env.async_pf_en_msr", Subsection = "cpu/async_pf_msr")] private ulong asyncPfEnMsr;

    [Ignore("whether its subsection came")] private bool hasAsyncPfIntMsr;
    [Field("env.async_pf_int_msr", Subsection = "cpu/async_pf_int_msr")] private ulong asyncPfIntMsr;

    [Ignore("whether its subsection came")] private bool hasAsyncPvEoiMsr;
    [Field("env.pv_eoi_en_msr", Subsection = "cpu/async_pv_eoi_msr")] private ulong pvEoiEnMsr;

    [Ignore("whether its subsection came")] private bool hasStealTimeMsr;
    [Field("env.steal_time_msr", Subsection = "cpu/steal_time_msr")] private ulong stealTimeMsr;

    [Ignore("whether its subsection came")] private bool hasPollControlMsr;
    [Field("env.poll_control_msr", Subsection = "cpu/poll_control_msr")] private ulong pollControlMsr;

    [Ignore("whether its subsection came")] private bool hasFpopIpDp;
    [Field("env.fpop", Subsection = "cpu/fpop_ip_dp")] private ushort fpop;
    [Field("env.fpip", Subsection = "cpu/fpop_ip_dp")] private ulong fpip;
    [Field("env.fpdp", Subsection = "cpu/fpop_ip_dp")] private ulong fpdp;

    [Ignore("whether its subsection came")] private bool hasMsrTscAdjust;
    [Field("env.tsc_adjust", Subsection = "cpu/msr_tsc_adjust")] private ulong tscAdjust;

    [Ignore("whether its subsection came")] private bool hasMsrTscdeadline;
    [Field("env.tsc_deadline", Subsection = "cpu/msr_tscdeadline")] private ulong tscDeadline;

    [Ignore("whether its subsection came")] private bool hasMsrIa32MiscEnable;
    [Field("env.msr_ia32_misc_enable", Subsection = "cpu/msr_ia32_misc_enable")] private ulong msrIa32MiscEnable;

    [Ignore("whether its subsection came")] private bool hasMsrIa32FeatureControl;
    [Field("env.msr_ia32_feature_control", Subsection = "cpu/msr_ia32_feature_control")] private ulong msrIa32FeatureControl;

    [Ignore("whether its subsection came")] private bool hasMsrArchitecturalPmu;
    [Field("env.msr_fixed_ctr_ctrl", Subsection = "cpu/msr_architectural_pmu")] private ulong msrFixedCtrCtrl;
    [Field("env.msr_global_ctrl", Subsection = "cpu/msr_architectural_pmu")] private ulong msrGlobalCtrl;
    [Field("env.msr_global_status", Subsection = "cpu/msr_architectural_pmu")] private ulong msrGlobalStatus;
    [Field("env.msr_global_ovf_ctrl", Subsection = "cpu/msr_architectural_pmu")] private ulong msrGlobalOvfCtrl;
    [Field("env.msr_fixed_counters", Length = 3, Subsection = "cpu/msr_architectural_pmu")] private readonly ulong[] msrFixedCounters = new ulong[3];
    [Field("env.msr_gp_counters", Length = 18, Subsection = "cpu/msr_architectural_pmu")] private readonly ulong[] msrGpCounters = new ulong[18];
    [Field("env.msr_gp_evtsel", Length = 18, Subsection = "cpu/msr_architectural_pmu")] private readonly ulong[] msrGpEvtsel = new ulong[18];

    [Ignore("whether its subsection came")] private bool hasMpx;
    [Field("env.bnd_regs", Length = 4, Subsection = "cpu/mpx")] private readonly BoundRegister[] bndRegs = new BoundRegister[4];
    [Field("env.bndcs_regs.cfgu", Subsection = "cpu/mpx")] private ulong bndcsRegsCfgu;
    [Field("env.bndcs_regs.sts", Subsection = "cpu/mpx")] private ulong bndcsRegsSts;
    [Field("env.msr_bndcfgs", Subsection = "cpu/mpx")] private ulong msrBndcfgs;

    [Ignore("whether its subsection came")] private bool hasMsrHypervHypercall;
    [Field("env.msr_hv_guest_os_id", Subsection = "cpu/msr_hyperv_hypercall")] private ulong msrHvGuestOsId;
    [Field("env.msr_hv_hypercall", Subsection = "cpu/msr_hyperv_hypercall")] private ulong msrHvHypercall;

    [Ignore("whether its subsection came")] private bool hasMsrHypervVapic;
    [Field("env.msr_hv_vapic", Subsection = "cpu/msr_hyperv_vapic")] private ulong msrHvVapic;

    [Ignore("whether its subsection came")] private bool hasMsrHypervTime;
    [Field("env.msr_hv_tsc", Subsection = "cpu/msr_hyperv_time")] private ulong msrHvTsc;

    [Ignore("whether its subsection came")] private bool hasMsrHypervCrash;
    [Field("env.msr_hv_crash_params", Length = 5, Subsection = "cpu/msr_hyperv_crash")] private readonly ulong[] msrHvCrashParams = new ulong[5];

    [Ignore("whether its subsection came")] private bool hasMsrHypervRuntime;
    [Field("env.msr_hv_runtime", Subsection = "cpu/msr_hyperv_runtime")] private ulong msrHvRuntime;

    [Ignore("whether its subsection came")] private bool hasMsrHypervSynic;
    [Field("env.msr_hv_synic_control", Subsection = "cpu/msr_hyperv_synic")] private ulong msrHvSynicControl;
    [Field("env.msr_hv_synic_evt_page", Subsection = "cpu/msr_hyperv_synic")] private ulong msrHvSynicEvtPage;
    [Field("env.msr_hv_synic_msg_page", Subsection = "cpu/msr_hyperv_synic")] private ulong msrHvSynicMsgPage;
    [Field("env.msr_hv_synic_sint", Length = 16, Subsection = "cpu/msr_hyperv_synic")] private readonly ulong[] msrHvSynicSint = new ulong[16];

    [Ignore("whether its subsection came")] private bool hasMsrHypervStimer;
    [Field("env.msr_hv_stimer_config", Length = 4, Subsection = "cpu/msr_hyperv_stimer")] private readonly ulong[] msrHvStimerConfig = new ulong[4];
    [Field("env.msr_hv_stimer_count", Length = 4, Subsection = "cpu/msr_hyperv_stimer")] private readonly ulong[] msrHvStimerCount = new ulong[4];

    [Ignore("whether its subsection came")] private bool hasMsrHypervReenlightenment;
    [Field("env.msr_hv_reenlightenment_control", Subsection = "cpu/msr_hyperv_reenlightenment")] private ulong msrHvReenlightenmentControl;
    [Field("env.msr_hv_tsc_emulation_control", Subsection = "cpu/msr_hyperv_reenlightenment")] private ulong msrHvTscEmulationControl;
    [Field("env.msr_hv_tsc_emulation_status", Subsection = "cpu/msr_hyperv_reenlightenment")] private ulong msrHvTscEmulationStatus;

    [Ignore("whether its subsection came")] private bool hasAvx512;
    [Field("env.opmask_regs", Length = 8, Subsection = "cpu/avx512")] private readonly ulong[] opmaskRegs = new ulong[8];
    [Field("env.xmm_regs", Length = 16, Subsection = "cpu/avx512")] private readonly ZmmhRegister[] zmmhRegisters = new ZmmhRegister[16];
    [Field("env.xmm_regs", Length = 16, Subsection = "cpu/avx512")] private readonly Hi16ZmmRegister[] hi16ZmmRegisters = new Hi16ZmmRegister[16];

    [Ignore("whether its subsection came")] private bool hasXss;
    [Field("env.xss", Subsection = "cpu/xss")] private ulong xss;

    [Ignore("whether its subsection came")] private bool hasUmwait;
    [Field("env.umwait", Subsection = "cpu/umwait")] private uint umwait;

    [Ignore("whether its subsection came")] private bool hasTscKhz;
    [Field("env.tsc_khz", Subsection = "cpu/tsc_khz")] private long tscKhz;

    [Ignore("whether its subsection came")] private bool hasMsrSmiCount;
    [Field("env.msr_smi_count", Subsection = "cpu/msr_smi_count")] private ulong msrSmiCount;

    [Ignore("whether its subsection came")] private bool hasPkru;
    [Field("env.pkru", Subsection = "cpu/pkru")] private uint pkru;

    [Ignore("whether its subsection came")] private bool hasPkrs;
    [Field("env.pkrs", Subsection = "cpu/pkrs")] private uint pkrs;

    [Ignore("whether its subsection came")] private bool hasSpecCtrl;
    [Field("env.spec_ctrl", Subsection = "cpu/spec_ctrl")] private ulong specCtrl;

    [Ignore("whether its subsection came")] private bool hasAmdTscScaleMsr;
    [Field("env.amd_tsc_scale_msr", Subsection = "cpu/amd_tsc_scale_msr")] private ulong amdTscScaleMsr;

    [Ignore("whether its subsection came")] private bool hasMcgExtCtl;
    [Field("env.mcg_ext_ctl", Subsection = "cpu/mcg_ext_ctl")] private ulong mcgExtCtl;

    [Ignore("whether its subsection came")] private bool hasIntelPt;
    [Field("env.msr_rtit_ctrl", Subsection = "cpu/intel_pt")] private ulong msrRtitCtrl;
    [Field("env.msr_rtit_status", Subsection = "cpu/intel_pt")] private ulong msrRtitStatus;
    [Field("env.msr_rtit_output_base", Subsection = "cpu/intel_pt")] private ulong msrRtitOutputBase;
    [Field("env.msr_rtit_output_mask", Subsection = "cpu/intel_pt")] private ulong msrRtitOutputMask;
    [Field("env.msr_rtit_cr3_match", Subsection = "cpu/intel_pt")] private ulong msrRtitCr3Match;
    [Field("env.msr_rtit_addrs", Length = 8, Subsection = "cpu/intel_pt")] private readonly ulong[] msrRtitAddrs = new ulong[8];

    [Ignore("whether its subsection came")] private bool hasVirtSsbd;
    [Field("env.virt_ssbd", Subsection = "cpu/virt_ssbd")] private ulong virtSsbd;

    [Ignore("whether its subsection came")] private bool hasSvnNpt;
    [Field("env.nested_cr3", Subsection = "cpu/svn_npt")] private ulong nestedCr3;
    [Field("env.nested_pg_mode", Subsection = "cpu/svn_npt")] private uint nestedPgMode;

    [Ignore("whether its subsection came")] private bool hasSvmGuest;
    [Field("env.int_ctl", Subsection = "cpu/svm_guest")] private uint intCtl;

    [Ignore("whether its subsection came")] private bool hasNestedState;
    [Field("env.nested_state", Subsection = "cpu/nested_state")] private readonly KvmNestedState nestedState = new();

    [Ignore("whether its subsection came")] private bool hasXenVcpu;
    [Field("env.xen_vcpu_info_gpa", Subsection = "cpu/xen_vcpu")] private ulong xenVcpuInfoGpa;
    [Field("env.xen_vcpu_info_default_gpa", Subsection = "cpu/xen_vcpu")] private ulong xenVcpuInfoDefaultGpa;
    [Field("env.xen_vcpu_time_info_gpa", Subsection = "cpu/xen_vcpu")] private ulong xenVcpuTimeInfoGpa;
    [Field("env.xen_vcpu_runstate_gpa", Subsection = "cpu/xen_vcpu")] private ulong xenVcpuRunstateGpa;
    [Field("env.xen_vcpu_callback_vector", Subsection = "cpu/xen_vcpu")] private byte xenVcpuCallbackVector;
    [Field("env.xen_virq", Length = 24, Subsection = "cpu/xen_vcpu")] private readonly ushort[] xenVirq = new ushort[24];
    [Field("env.xen_singleshot_timer_ns", Subsection = "cpu/xen_vcpu")] private ulong xenSingleshotTimerNs;
    [Field("env.xen_periodic_timer_period", Subsection = "cpu/xen_vcpu")] private ulong xenPeriodicTimerPeriod;

    [Ignore("whether its subsection came")] private bool hasMsrTsxCtrl;
    [Field("env.tsx_ctrl", Subsection = "cpu/msr_tsx_ctrl")] private uint tsxCtrl;

    [Ignore("whether its subsection came")] private bool hasIntelSgx;
    [Field("env.msr_ia32_sgxlepubkeyhash", Length = 4, Subsection = "cpu/intel_sgx")] private readonly ulong[] msrIa32Sgxlepubkeyhash = new ulong[4];

    [Ignore("whether its subsection came")] private bool hasPdptrs;
    [Field("env.pdptrs", Length = 4, Subsection = "cpu/pdptrs")] private readonly ulong[] pdptrs = new ulong[4];

    [Ignore("whether its subsection came")] private bool hasMsrXfd;
    [Field("env.msr_xfd", Subsection = "cpu/msr_xfd")] private ulong msrXfd;
    [Field("env.msr_xfd_err", Subsection = "cpu/msr_xfd")] private ulong msrXfdErr;

    [Ignore("whether its subsection came")] private bool hasMsrHwcr;
    [Field("env.msr_hwcr", Subsection = "cpu/msr_hwcr")] private ulong msrHwcr;

    [Ignore("whether its subsection came")] private bool hasFred;
    [Field("env.fred_rsp0", Subsection = "cpu/fred")] private ulong fredRsp0;
    [Field("env.fred_rsp1", Subsection = "cpu/fred")] private ulong fredRsp1;
    [Field("env.fred_rsp2", Subsection = "cpu/fred")] private ulong fredRsp2;
    [Field("env.fred_rsp3", Subsection = "cpu/fred")] private ulong fredRsp3;
    [Field("env.fred_stklvls", Subsection = "cpu/fred")] private ulong fredStklvls;
    [Field("env.fred_ssp1", Subsection = "cpu/fred")] private ulong fredSsp1;
    [Field("env.fred_ssp2", Subsection = "cpu/fred")] private ulong fredSsp2;
    [Field("env.fred_ssp3", Subsection = "cpu/fred")] private ulong fredSsp3;
    [Field("env.fred_config", Subsection = "cpu/fred")] private ulong fredConfig;

    [Ignore("whether its subsection came")] private bool hasIntelAmxXtile;
    [Field("env.xtilecfg", Length = 64, As = WireType.U8, Subsection = "cpu/intel_amx_xtile")] private readonly byte[] xtilecfg = new byte[64];
    [Field("env.xtiledata", Length = 8192, As = WireType.U8, Subsection = "cpu/intel_amx_xtile")] private readonly byte[] xtiledata = new byte[8192];

    [Ignore("whether its subsection came")] private bool hasArchLbr;
    [Field("env.msr_lbr_ctl", Subsection = "cpu/arch_lbr")] private ulong msrLbrCtl;
    [Field("env.msr_lbr_depth", Subsection = "cpu/arch_lbr")] private ulong msrLbrDepth;
    [Field("env.lbr_records", Length = 32, Subsection = "cpu/arch_lbr")] private readonly LastBranchRecord[] lbrRecords = new LastBranchRecord[32];

    [Ignore("whether its subsection came")] private bool hasTripleFault;
    [Field("env.triple_fault_pending", Subsection = "cpu/triple_fault")] private byte tripleFaultPending;

    [Ignore("whether its subsection came")] private bool hasMsrPl0Ssp;
    [Field("env.pl0_ssp", Subsection = "cpu/msr_pl0_ssp")] private ulong pl0Ssp;

    [Subsection] private ControlFlow? cet;

    [Subsection("cpu/apx")] private ExtendedRegisters? extendedRegisters;
}

/// <summary>Control-flow enforcement; only newer releases have it.</summary>
[VmState("cpu/cet", Nested = true)]
public sealed partial class ControlFlow
{
    [Field("env.u_cet")] private ulong userCet;
    [Field("env.s_cet")] private ulong supervisorCet;

    [Subsection("cpu/cet_shstk")] private ShadowStack? shadowStack;
}

/// <summary>Shadow stacks.</summary>
[VmState("cpu/cet_shstk", Nested = true)]
public sealed partial class ShadowStack
{
    [Field("env.pl1_ssp")] private ulong pl1Ssp;
    [Field("env.pl2_ssp")] private ulong pl2Ssp;
    [Field("env.pl3_ssp")] private ulong pl3Ssp;
    [Field("env.int_ssp_table")] private ulong intSspTable;
    [Field("env.guest_ssp")] private ulong guestSsp;
}

/// <summary>General registers 16 to 31; only newer releases have them.</summary>
[VmState("cpu/apx", Nested = true)]
public sealed partial class ExtendedRegisters
{
    [Field("env.regs", Length = 16)] private readonly ulong[] regs = new ulong[16];
}
