using System;
using System.IO;
using System.Linq;
using System.Reflection;
using QemuDevices;
using VmStateGen.Schema;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>
/// The two invented releases of the sample (samples/QemuDevices/README.md): its build compares the code with them, these tests load their bytes.
/// </summary>
public class HistoryTests
{
    private const string Text = "48656C6C6F0000000000000000000000";
    private const string Lamps = "00FF00000000FF00000000FF00FFFFFF";

    private static readonly BaselineSet Files = BaselineSet.Load(Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "baselines"))
        .Select(path => (Path.GetFileName(path), File.ReadAllText(path))));

    private static readonly SchemaSet Current = Schemas();

    [Fact]
    public void Every_device_is_recorded_and_loads_both_releases()
    {
        Assert.Empty(Files.Problems);
        Assert.Equal(["1.0", "1.1"], Files.Supported().Select(baseline => baseline.Release));
        Assert.Equal(Current.States.Select(state => state.Key).Order(StringComparer.Ordinal), Files.Recorded.States.Select(state => state.Key).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(Files.Check(Current).Findings, finding => finding.Verdict > Verdict.Info);
    }

    /// <summary>Both files have all that was a device then, not only those that changed.</summary>
    [Fact]
    public void Each_release_has_every_device()
    {
        string[] now = [.. DeviceCatalog.Names, "demo-panel"];
        foreach (Baseline release in Files.Supported())
            Assert.Empty(now.Except(release.Schemas.States.Where(state => state.IsSection).Select(state => state.Name)));
    }

    /// <summary>Each change of the history, done wrong: the build would fail.</summary>
    [Theory]
    [InlineData("i8254", "channels[0].irq_disabled", CompatibilityRule.FieldAdded)]
    [InlineData("uhci", "pending_int_mask", CompatibilityRule.FieldAdded)]
    [InlineData("demo-panel", "contrast", CompatibilityRule.FieldAdded)]
    [InlineData("demo-panel", "alarm", CompatibilityRule.FieldAdded)]
    [InlineData("panel-led", "fade", CompatibilityRule.FieldAdded)]
    [InlineData("fw_cfg", "table_mr_size", CompatibilityRule.FieldAdded)]
    public void Without_its_version_or_subsection_a_new_field_is_found(string name, string field, CompatibilityRule rule)
    {
        StateSchema state = Current.States.Single(state => state.Name == name);
        StateSchema wrong = state with { Items = state.Items.Select(item => item.Name == field ? item with { Since = 0, Subsection = null } : item).ToEquatableArray() };
        Assert.Contains(Files.Check(With(wrong)).Findings, finding => finding is { Verdict: Verdict.Error } && finding.Rule == rule && finding.Type == state.Key);
    }

    [Fact]
    public void Padding_and_reader_of_what_is_gone_are_needed()
    {
        StateSchema panel = Current.States.Single(state => state.Name == "demo-panel");
        // 1.0 wrote the field, 1.1 its padding.
        Assert.Equal([(CompatibilityRule.FieldRemoved, "1.0"), (CompatibilityRule.PaddingChanged, "1.1")],
            Files.Check(With(panel with { Items = panel.Items.Where(item => item.Name != "blink_rate").ToEquatableArray() })).Findings
                .Where(finding => finding.Verdict == Verdict.Error).Select(finding => (finding.Rule, finding.Releases[0])));

        var without = new SchemaSet();
        foreach (StateSchema state in Current.States)
            without.Add(state);
        Finding section = Assert.Single(Files.Check(without).Findings, finding => finding.Verdict == Verdict.Error);
        Assert.Equal((CompatibilityRule.SectionRemoved, "1.0"), (section.Rule, string.Join(",", section.Releases)));
    }

    [Fact]
    public void A_panel_of_1_0_loads()
    {
        FrontPanel panel = Load<FrontPanel>("40" + "0064" + Text + Lamps, version: 1);
        Assert.Equal((0x40, 50, 0), (panel.Brightness, panel.Contrast, panel.Alarm));
        Assert.Equal([0x00FF0000u, 0x0000FF00u, 0x000000FFu, 0x00FFFFFFu], Enumerable.Range(0, 4).Select(i => panel[i].Colour));
    }

    [Fact]
    public void A_panel_of_1_1_loads_and_one_without_news_is_what_1_1_wrote()
    {
        const string written = "40" + "0000" + Text + Lamps + "21";
        FrontPanel panel = Load<FrontPanel>(written, version: 2);
        Assert.Equal((0x40, 0x21), (panel.Brightness, panel.Contrast));
        Assert.Equal(written, Save(panel));
        panel[1].Fade = 3;
        FrontPanel copy = Load<FrontPanel>(Save(panel), version: 2);
        Assert.Equal((3, 0), (copy[1].Fade, copy[0].Fade));
    }

    [Fact]
    public void A_buzzer_of_1_0_is_read_to_its_end() => Load<Buzzer10>("01B8" + "07", version: 1);

    private static T Load<T>(string hex, int version)
        where T : IVmState, new()
    {
        var state = new T();
        VmState.Load(state, Convert.FromHexString(hex), version);
        return state;
    }

    private static string Save(IVmState state)
    {
        byte[] bytes = new byte[VmState.MaxSize(state)];
        return Convert.ToHexString(bytes.AsSpan(0, VmState.Save(state, bytes)));
    }

    private static SchemaSet With(StateSchema changed)
    {
        var set = new SchemaSet();
        foreach (StateSchema state in Current.States)
            set.Add(state.Key == changed.Key ? changed : state);
        foreach (EnumSchema value in Current.Enums)
            set.Add(value);
        foreach (RemovedSectionSchema removed in Current.RemovedSections)
            set.Add(removed);
        return set;
    }

    private static SchemaSet Schemas()
    {
        var set = new SchemaSet();
        Assembly assembly = typeof(FrontPanel).Assembly;
        foreach (VmStateSchemaAttribute attribute in assembly.GetTypes().SelectMany(type => type.GetCustomAttributes<VmStateSchemaAttribute>(inherit: false)))
        {
            SchemaSet own = SchemaParser.Parse(attribute.Text);
            foreach (StateSchema state in own.States)
                set.Add(state);
            foreach (EnumSchema value in own.Enums)
                set.Add(value);
        }
        foreach (RemovedSectionAttribute removed in assembly.GetCustomAttributes<RemovedSectionAttribute>())
            set.Add(new RemovedSectionSchema(removed.Name, removed.Type.FullName!));
        return set;
    }
}
