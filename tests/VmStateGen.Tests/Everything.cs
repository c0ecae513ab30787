using System;

namespace VmStateGen.Tests;

/// <summary>A device that uses all there is; only what must allocate on every load is in <see cref="Allocating"/>.</summary>
[VmState("everything", Version = 3, MinimumVersion = 1)]
[Subsection("everything/flat", Version = 2, MinimumVersion = 1, Needed = nameof(FlatNeeded), Absent = nameof(ResetFlat))]
[Subsection("everything/kept", Present = nameof(hasKept))]
[Removed("tail", 3, AtEnd = true)]
internal sealed partial class Everything : NestBase
{
    [Field] private bool flag;
    [Field] private sbyte small;
    [Field] private Medium mode;
    [Field] private Int128 wide;
    [Field] private Guid identity;
    [Field] private VmTimer timer;
    [Field] private double ratio;
    [Field(As = WireType.U8)] private int narrow;
    [Field(Expect = Expect.Equal)] private ushort size = 0x1234;
    [Field(Expect = Expect.NotAbove)] private int limit = 9;
    [Removed("gone", 2)] [Field(Version = 2, Default = 7)] private uint second;
    [Field(Until = 2)] private byte legacy;
    [Field(When = nameof(flag))] private ulong conditional;
    [Field(Length = 64)] private readonly ushort[] eeprom = new ushort[64];
    [Field(Length = 5000)] private byte[] memory = new byte[5000];
    [Field(Length = 9)] private bool[] flags = new bool[9];
    [Field("regs[7]", Element = 7)] [Field("regs", Start = 1, Length = 3)] private uint[] registers = new uint[8];
    [Field] private FourNumbers four;
    [Field] private byte used;
    [Field(CountFrom = nameof(used), Max = 200)] private ushort[]? counted;
    [Field] private Point point;
    [Field(Length = 3)] private readonly Point[] points = new Point[3];
    [Field("old", StructVersion = 1)] private Growing growing;
    [Field] private Cell cell = new();
    [Field(Length = 2)] private Cell[] cells = [new Cell(), new Cell()];
    [Field] private byte cellCount;
    [Field(CountFrom = nameof(cellCount), Max = 4)] private Cell[] more = [];
    [Field(Codec = typeof(AngleCodec))] private double angle;
    [Field] private Maybe inner = new();
    [Field] private readonly EverythingElse others = new();
    [Field(Subsection = "everything/flat", Length = 4)] private int[] flat = new int[4];
    [Field(Subsection = "everything/flat", Version = 2)] private byte flatNewer;
    [Field(Subsection = "everything/kept")] private short kept;
    [Ignore("whether it came")] private bool hasKept;
    [Ignore("configuration")] private bool flatNeeded;
    [Subsection(Needed = nameof(flag))] private Mit mit = new();
    [Subsection] private PlainMaybe? maybe;
    [Ignore("the test's")] public int Saves { get; private set; }

    public static Everything Filled(int seed = 1)
    {
        var random = new Random(seed);
        var device = new Everything
        {
            flag = random.Next(4) != 0, small = (sbyte)random.Next(-128, 128), mode = (Medium)random.Next(65536), wide = random.NextInt64() * -3,
            timer = new VmTimer((ulong)random.NextInt64()), ratio = random.NextDouble(), narrow = random.Next(256), limit = random.Next(10),
            second = (uint)random.Next(), legacy = (byte)random.Next(256), conditional = (ulong)random.NextInt64(), used = (byte)random.Next(200),
            cellCount = (byte)random.Next(5), angle = random.Next(255), kept = (short)random.Next(-9, 9), hasKept = random.Next(2) == 0,
            flatNeeded = random.Next(4) != 0, flatNewer = (byte)random.Next(256), maybe = random.Next(2) == 0 ? new PlainMaybe { Value = 3 } : null,
        };
        Span<byte> identity = stackalloc byte[16];
        random.NextBytes(identity);
        device.identity = new Guid(identity);
        random.NextBytes(device.memory);
        device.counted = new ushort[device.used];
        foreach (ref ushort value in device.eeprom.AsSpan())
            value = (ushort)random.Next(65536);
        foreach (ref ushort value in device.counted.AsSpan())
            value = (ushort)random.Next(65536);
        device.registers[7] = 7;
        device.registers[2] = (uint)random.Next();
        device.flags[random.Next(9)] = true;
        device.four[3] = (ushort)random.Next(65536);
        device.growing.Old = (byte)random.Next(256);
        device.more = new Cell[device.cellCount];
        for (int i = 0; i < device.more.Length; i++)
            device.more[i] = new Cell { Value = (byte)i };
        device.inner.HasDeep = random.Next(2) == 0;
        device.inner.Deep = 5;
        device.mit.Ide = (uint)random.Next();
        device.flat[3] = -random.Next();
        device.others.Fill(random);
        return device;
    }

    /// <summary>Takes any limit that a stream has.</summary>
    public Everything AcceptingEveryLimit()
    {
        limit = 9;
        return this;
    }

    private bool FlatNeeded(int version) => flatNeeded;

    private void ResetFlat()
    {
        flat.AsSpan().Clear();
        flatNewer = 0;
    }

    [Validate("the limit is negative")] private bool LimitIsPositive() => limit >= 0;
    [BeforeSave] private void Quiesce() => Saves++;
    [AfterSave] private void Resume() => Saves++;
    [BeforeLoad] private void Clear() => hasKept = false;
    [AfterLoad] private void Rebuild(int version) => flatNeeded = flat[3] != 0 || flatNewer != 0 || version > 100;
}
