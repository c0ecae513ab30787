using System;
using System.Collections.Generic;

namespace VmStateGen.Tests;

/// <summary>When the author's methods run, and what their failure does (qemu-migration.md §2.1, §2.2).</summary>
public class HookTests
{
    [Fact]
    public void Saving_calls_before_and_after_the_fields_from_the_outside_in()
    {
        var device = new Hooked();

        Wire.Saved(device);

        Assert.Equal(["outer before save", "inner before save", "inner after save", "outer after save"], device.Log);
    }

    [Fact]
    public void Loading_finishes_nested_state_before_the_parents_later_fields()
    {
        Hooked loaded = Wire.Loaded<Hooked>("01 02 03", version: 2);

        Assert.Equal(["outer before load", "inner before load", "inner after load: 2, later 0", "outer after load version 2: 1, 2, 3"], loaded.Log);
    }

    [Fact]
    public void AfterLoad_gets_the_version_of_the_stream() =>
        Assert.Contains("outer after load version 1: 1, 2, 0", Wire.Loaded<Hooked>("01 02", version: 1).Log);

    [Fact]
    public void Nothing_runs_for_a_version_that_is_not_loaded()
    {
        var device = new Hooked();

        Wire.Rejects(device, "01 02 03", version: 3);

        Assert.Empty(device.Log);
    }

    [Fact]
    public void AfterLoad_does_not_run_after_a_failure()
    {
        var device = new Hooked();

        Wire.Rejects(device, "01");

        Assert.Equal(["outer before load", "inner before load"], device.Log);
    }

    [Fact]
    public void AfterSave_runs_after_a_save_that_failed()
    {
        var device = new Hooked { Narrow = 300 };

        VmStateException e = Wire.RejectsSaving(device);

        Assert.Equal("narrow", e.FieldPath);
        Assert.Equal("outer after save", device.Log[^1]);
    }

    [Fact]
    public void AfterSave_does_not_run_where_BeforeSave_failed()
    {
        var device = new Hooked { Fails = "before save" };

        VmStateException e = Wire.RejectsSaving(device);

        Assert.Equal("hooked: Quiesce failed: no before save at offset 0x0", e.Message);
        Assert.IsType<InvalidOperationException>(e.InnerException);
        Assert.Equal(["outer before save"], device.Log);
    }

    [Theory]
    [InlineData("after save", "Resume")]
    public void A_failure_of_AfterSave_fails_the_save(string fails, string method) =>
        Assert.StartsWith($"hooked: {method} failed: no {fails}", Wire.RejectsSaving(new Hooked { Fails = fails }).Message);

    [Theory]
    [InlineData("before load", "hooked: Reset failed: no before load at offset 0x0")]
    [InlineData("after load", "hooked: Rebuild failed: no after load at offset 0x3")]
    [InlineData("inner after load", "hooked › inner: Finish failed: no inner after load at offset 0x2")]
    public void Any_exception_of_a_hook_is_a_reason_why_the_load_failed(string fails, string message)
    {
        VmStateException e = Wire.Rejects(new Hooked { Fails = fails }, "01 02 03");

        Assert.Equal(message, e.Message);
        Assert.IsType<InvalidOperationException>(e.InnerException);
    }

    [Fact]
    public void A_VmStateException_of_a_hook_is_the_reason_itself()
    {
        VmStateException e = Wire.Rejects(new Refuses(), "01");

        Assert.Equal("refuses: the ring is not mapped", e.Message);
        Assert.Null(e.InnerException);
    }

    [Fact]
    public void AfterLoad_runs_behind_the_subsections_and_their_resets()
    {
        WithSubsectionHooks loaded = Wire.Loaded<WithSubsectionHooks>("01" + Wire.Subsection("hooks/sub", 1, "02"));

        Assert.Equal(["absent", "after load: 1, 2"], loaded.Log);
    }

    [Fact]
    public void A_failure_of_Absent_is_a_reason_too() =>
        Assert.Equal("hooks: Reset failed: no reset at offset 0x1", Wire.Rejects(new WithSubsectionHooks { Fails = true }, "01").Message);

    [Fact]
    public void The_hooks_of_a_base_class_run_around_its_own_fields()
    {
        DerivedHooks loaded = Wire.Loaded<DerivedHooks>("01 02");

        Assert.Equal(["base: 1, 0", "derived: 1, 2"], loaded.Log);
    }
}

[VmState("hooked", Version = 2)]
internal sealed partial class Hooked
{
    [Field] private byte first;
    [Field] private readonly HookedInner inner;
    [Field(Version = 2)] public byte Last;
    [Field(As = WireType.U8, When = nameof(HasNarrow))] public int Narrow;
    [Ignore("the test's")] public readonly List<string> Log = [];
    [Ignore("the test's")] public string? Fails;

    public Hooked() => inner = new HookedInner(this);

    public void Note(string what, string? more = null)
    {
        Log.Add("outer " + what + more);
        FailAt(what);
    }

    public void FailAt(string what)
    {
        if (Fails == what)
            throw new InvalidOperationException("no " + what);
    }

    private bool HasNarrow() => Narrow != 0;

    [BeforeSave] private void Quiesce() => Note("before save");
    [AfterSave] private void Resume() => Note("after save");
    [BeforeLoad] private void Reset() => Note("before load");
    [AfterLoad] private void Rebuild(int version) => Note("after load", $" version {version}: {first}, {inner.Value}, {Last}");
}

[VmState]
internal sealed partial class HookedInner(Hooked owner)
{
    [Ignore("the test's")] private readonly Hooked owner = owner;
    [Field] public byte Value;

    [BeforeSave] private void Quiesce() => owner.Log.Add("inner before save");
    [AfterSave] private void Resume() => owner.Log.Add("inner after save");
    [BeforeLoad] private void Reset() => owner.Log.Add("inner before load");

    [AfterLoad]
    private void Finish()
    {
        owner.Log.Add($"inner after load: {Value}, later {owner.Last}");
        owner.FailAt("inner after load");
    }
}

[VmState]
internal sealed partial class Refuses
{
    [Field] private byte value;

    [AfterLoad] private void Check() => throw new VmStateException("the ring is not mapped");
}

[VmState("hooks")]
[Subsection("hooks/other", Needed = nameof(No), Absent = nameof(Reset))]
[Subsection("hooks/sub", Needed = nameof(No), Absent = nameof(Reset))]
internal sealed partial class WithSubsectionHooks
{
    [Field] private byte value;
    [Field(Subsection = "hooks/sub")] private byte sub;
    [Field(Subsection = "hooks/other")] private byte other;
    [Ignore("the test's")] public readonly List<string> Log = [];
    [Ignore("the test's")] public bool Fails;

    private bool No() => false;

    private void Reset()
    {
        Log.Add("absent");
        if (Fails)
            throw new InvalidOperationException("no reset");
    }

    [AfterLoad] private void Rebuild() => Log.Add($"after load: {value}, {sub}");
}

[VmState("hooks base", Nested = true)]
internal abstract partial class BaseHooks
{
    [Field] protected byte baseValue;
    [Ignore("the test's")] public readonly List<string> Log = [];

    protected virtual int Own => 0;

    [AfterLoad] private void Rebuild() => Log.Add($"base: {baseValue}, {Own}");
}

[VmState]
internal sealed partial class DerivedHooks : BaseHooks
{
    [Field] private byte own;

    protected override int Own => own;

    [AfterLoad] private void Rebuild() => Log.Add($"derived: {baseValue}, {own}");
}
