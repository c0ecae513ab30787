using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using QemuDevices;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>A section that is cut off or damaged loads as something else or is refused with a reason; nothing worse.</summary>
public sealed class DamageTests
{
    private const int FewBytes = 1024;
    private const int Samples = 200;
    private const int AllocationLimit = 1 << 20;
    /// <summary>What has values that are no good, or a length that depends on a value.</summary>
    private static readonly string[] Refusable = ["\"subsections\"", " equal\"", "\"int32 le\"", "\"pci irq state\"", "\"identify_set\""];

    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(2);

    public static TheoryData<string> Keys => Fixture.Keys;

    [Theory, MemberData(nameof(Keys))]
    public Task Every_prefix_is_refused_or_a_state_of_its_own(string key) => Limited(() =>
    {
        DeviceSection section = Fixture.Get(key);
        Func<IVmState> create = SectionAssert.Factory(section);
        var random = new Random(1);
        List<VmDescriptionSpan> headers = [.. Spans(section).Where(span => span.Kind == VmDescriptionSpanKind.SubsectionHeader)];
        foreach (int length in Places(section, random))
        {
            IVmState device = create();
            byte[] prefix = section.Data[..length];
            if (Load(device, section, prefix) is not VmStateException e)
            {
                // Cut off before a subsection, or where what is left of a drive's subsection passes for the next drive, in QEMU too.
                Assert.Equal(prefix, SectionAssert.Save(device), SameOrTrue);
                continue;
            }
            Assert.True(e.Offset <= length, $"cut at {length}: {e.Message}");
            // A subsection that is cut off within its name is not taken for one, nor is it in QEMU.
            Assert.True(e.FieldPath.Length > 0 || IsInHeader(headers, length), $"cut at {length}: {e.Message}");
        }
    });

    [Theory, MemberData(nameof(Keys))]
    public Task Every_damaged_byte_is_loaded_or_refused(string key) => Limited(() =>
    {
        DeviceSection section = Fixture.Get(key);
        Func<IVmState> create = SectionAssert.Factory(section);
        var random = new Random(2);
        int refused = 0;
        byte[] bytes = [.. section.Data];
        foreach (int at in Places(section, random))
        {
            byte original = bytes[at];
            bytes[at] = (byte)(original ^ random.Next(1, 256));
            IVmState device = create();
            if (Load(device, section, bytes) is VmStateException e)
            {
                refused++;
                Assert.True(e.Offset >= 0 && e.Offset <= bytes.Length, $"byte {at}: {e.Message}");
                Assert.True(e.FieldPath.Length > 0 || e.Found is not null, $"byte {at}: {e.Message}");
            }
            else
            {
                // What was loaded can be saved.
                Assert.InRange(SectionAssert.Save(device).Length, 1, device.StateType.MaxSize);
            }
            bytes[at] = original;
        }
        bool canBeRefused = Refusable.Any(type => section.Description.Contains(type, StringComparison.Ordinal))
            || section.Description.Contains("subsections", StringComparison.Ordinal)
            || section.VmsdName is "slirp" or "hpet" or "e1000" or "ehci" or "fdc" or "scsi-disk" or "uhci" or "xhci"
            || section.VmsdName.StartsWith("virtio-", StringComparison.Ordinal);
        Assert.Equal(canBeRefused, refused > 0);
    });

    [Theory, MemberData(nameof(Keys))]
    public void A_byte_too_many_is_refused(string key)
    {
        DeviceSection section = Fixture.Get(key);
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(SectionAssert.Create(section), [.. section.Data, 0], section.Version));
        Assert.Equal(section.VmsdName, e.Device);
        Assert.Equal(section.Data.Length, e.Offset);
        Assert.Equal("more bytes", e.Found);
    }

    /// <summary>Every offset of a small section; of a large one the bounds of its first fields, and samples.</summary>
    private static IEnumerable<int> Places(DeviceSection section, Random random)
    {
        if (section.Data.Length <= FewBytes)
            return Enumerable.Range(0, section.Data.Length);
        var places = new SortedSet<int>();
        foreach (VmDescriptionSpan span in Spans(section).Where(_ => places.Count < 2 * Samples))
        {
            places.Add((int)span.Offset);
            places.Add((int)span.Offset + span.Size - 1);
        }
        for (int i = 0; i < Samples; i++)
            places.Add(random.Next(section.Data.Length));
        return places;
    }

    /// <summary>The same, or a flag that was not 1 because it began as a subsection.</summary>
    private static bool SameOrTrue(byte expected, byte saved) => expected == saved || (expected != 0 && saved == 1);

    private static bool IsInHeader(List<VmDescriptionSpan> headers, int length) =>
        headers.Exists(span => span.Offset < length && length < span.Offset + span.Size);

    /// <summary>The parts of the section, of what the trailer says opaquely too.</summary>
    private static IEnumerable<VmDescriptionSpan> Spans(DeviceSection section) => VmDescriptionFields.Spans(
        SectionDecoder.Parse(SectionDecoder.Describe(
            SectionAssert.Load(section), section.Name, section.InstanceId, section.Version, VmDescriptionDialect.Qemu100, showsOpaque: true)));

    /// <summary>Loads and returns why it was refused; anything else than a <see cref="VmStateException"/> fails the test.</summary>
    private static VmStateException? Load(IVmState device, DeviceSection section, byte[] bytes)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        VmStateException? refusal = null;
        try
        {
            VmState.Load(device, bytes, section.Version);
        }
        catch (VmStateException e)
        {
            refusal = e;
            Assert.Equal(section.VmsdName, e.Device);
            Assert.StartsWith(section.VmsdName, e.Message, StringComparison.Ordinal);
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocationLimit + bytes.Length);
        return refusal;
    }

    private static Task Limited(Action test) => Task.Run(test).WaitAsync(TimeLimit);
}
