namespace VmStateGen.Tests;

/// <summary>What a machine is told about a section.</summary>
public class SectionTests
{
    [Fact]
    public void Whether_it_is_needed_is_asked_of_the_device()
    {
        IVmState device = new Described { IsOn = true };

        Assert.True(device.IsNeeded);
        Assert.False(((IVmState)new Described()).IsNeeded);
        Assert.True(((IVmState)new Flag()).IsNeeded);
    }

    [Fact]
    public void Priority_and_phase_are_facts_of_the_type()
    {
        VmStateType type = ((IVmState)new Described()).StateType;

        Assert.Equal((MigrationPriority.GicV3Its, true, true), (type.Priority, type.EarlySetup, type.Unmigratable));
        Assert.Equal((MigrationPriority.Default, false, false), (Plain.Priority, Plain.EarlySetup, Plain.Unmigratable));
        Assert.Equal(MigrationPriority.VirtioMem, ((IVmState)new BeforeOthers()).StateType.Priority);
    }

    [Fact]
    public void The_schema_is_baseline_text() => Assert.Equal(
        """
        VmStateGen.Tests.Described @section "described" version 1 min 1 priority gic-v3-its needed IsOn early-setup unmigratable
        VmStateGen.Tests.Described#000 "value" u8
        """.ReplaceLineEndings("\n") + "\n",
        System.Text.Encoding.UTF8.GetString(((IVmState)new Described()).Schema).TrimEnd('\n') + "\n");

    private static VmStateType Plain => ((IVmState)new Primitive()).StateType;
}

[VmState("described", Needed = nameof(IsOn), Priority = MigrationPriority.GicV3Its, EarlySetup = true, Unmigratable = true)]
internal sealed partial class Described
{
    [Field] private byte value;
    [Ignore("configuration")] public bool IsOn;
}

[VmState("before others", Priority = MigrationPriority.VirtioMem)]
internal sealed partial class BeforeOthers
{
    [Field] private byte value;
}
