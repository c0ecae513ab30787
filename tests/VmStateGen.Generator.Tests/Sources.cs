namespace VmStateGen.Generator.Tests;

/// <summary>Devices that together use everything that generated code supports, and a few small ones.</summary>
internal static class Sources
{
    public const string Scalars = """
        namespace Acme;

        public enum Mode : ushort { Off, On = 7 }

        [VmState("scalars")]
        public partial class Scalars
        {
            [Field] private bool enabled;
            [Field] private byte control;
            [Field] private sbyte offset;
            [Field] private ushort divider;
            [Field] private short delta;
            [Field] private uint rxbufSize;
            [Field] private int count;
            [Field] private ulong address;
            [Field] private long time;
            [Field] private float ratio;
            [Field] private double frequency;
            [Field] private UInt128 wide;
            [Field] private Int128 wideSigned;
            [Field] private Guid identity;
            [Field] private VmTimer timer;
            [Field] private Mode mode;
            [Field("renamed wire name")] public uint Property { get; set; }
            [Field(As = WireType.U8)] private int narrow;
            [Field(As = WireType.I32)] private bool flag;
            [Field(As = WireType.U32)] private Mode wideMode;
            [Ignore("host side")] private object? host;
        }
        """;

    public const string Versions = """
        namespace Acme;

        [VmState("versions", Version = 4, MinimumVersion = 1)]
        public partial class Versions
        {
            [Field] private uint always;
            [Field(Version = 2, Default = 5)] private ushort second;
            [Field(Until = 2)] private byte legacy;
            [Field(Version = 4)] private ulong fourth;
            [Removed("gone", 3)] [Field(When = nameof(HasFlash))] private uint flash;
            [Field(When = nameof(IsOld))] private byte old;

            private bool HasFlash => always != 0;

            private bool IsOld(int version) => version < 2;
        }
        """;

    public const string Arrays = """
        namespace Acme;

        [System.Runtime.CompilerServices.InlineArray(4)]
        public struct Four { private ushort first; }

        [VmState("arrays")]
        [Removed("tail", 2, AtEnd = true)]
        public partial class Arrays
        {
            [Field(Length = 64)] private readonly ushort[] eeprom = new ushort[64];
            [Field(Length = 16)] private byte[]? buffer;
            [Field(Length = 16, As = WireType.U8)] private byte[] numbers = new byte[16];
            [Field] private Four four;
            [Field("regs[RDTR]", Element = 5)] [Field("regs", Start = 8, Length = 8)] private uint[] regs = new uint[32];
            [Field(Length = 3000)] private ulong[] large = new ulong[3000];
            [Field] private byte used;
            [Field(CountFrom = nameof(used), Max = 32)] private int[]? counted;
            [Field(CountFrom = nameof(Configured), Max = 64)] private byte[]? configured;
            [Field(Length = 3)] private bool[] flags = new bool[3];

            [Ignore("configuration")] public int Configured { get; init; }
        }
        """;

    public const string Nested = """
        namespace Acme;

        [VmState(Version = 2)]
        public partial struct Descriptor
        {
            [Field] private ulong address;
            [Field(Version = 2)] private uint length;
        }

        [VmState("base part", Nested = true)]
        public abstract partial class BasePart
        {
            [Field] private uint id;
        }

        [VmState]
        public partial class Queue
        {
            [Field(Length = 4)] private Descriptor[] ring = new Descriptor[4];
            [Field(Expect = Expect.Equal)] private byte size = 8;
        }

        [VmState("nested")]
        public partial class Nested : BasePart
        {
            [Field] private Descriptor single;
            [Field("old", StructVersion = 1)] private Descriptor atOne;
            [Field] private Queue queue = new();
            [Field(Length = 2)] private Queue[] queues = new Queue[2];
            [Field] private byte count;
            [Field(CountFrom = nameof(count), Max = 8)] private Queue[] counted = new Queue[8];
            [Field] public Descriptor Property { get; set; }
        }
        """;

    public const string Subsections = """
        namespace Acme;

        [VmState]
        public partial class MitState
        {
            [Field] private uint ide;
        }

        [VmState]
        public partial struct Extra
        {
            [Field] private byte value;
        }

        [VmState("nic/old", Nested = true)]
        public partial class OldState
        {
            [Field] private uint ignored;
        }

        [VmState("nic")]
        [Subsection("nic/full", Version = 2, MinimumVersion = 1, Needed = nameof(FullNeeded), Absent = nameof(Reset))]
        [Subsection("nic/kept", Present = nameof(hasKept))]
        [RemovedSubsection("nic/old", typeof(OldState))]
        public partial class Nic
        {
            [Field] private uint first;
            [Field(Subsection = "nic/full", Length = 8)] private uint[] registers = new uint[8];
            [Field(Subsection = "nic/full", Version = 2)] private byte second;
            [Field(Subsection = "nic/kept")] private ushort kept;
            [Ignore("whether it came")] private bool hasKept;
            [Subsection(Needed = nameof(MitNeeded))] private MitState mit = new();
            [Subsection("nic/maybe")] private MitState? maybe;
            [Subsection(Needed = nameof(MitNeeded))] private Extra extra;

            private bool FullNeeded() => first > 1;
            private bool MitNeeded(int version) => first > 2;
            private void Reset() => registers.AsSpan().Clear();
            [BeforeLoad] private void Clear() => first = 0;
        }
        """;

    public const string Hooks = """
        namespace Acme;

        [VmStateCodec("angle", 4)]
        public sealed class AngleCodec : IVmStateCodec<double>
        {
            public static void Save(ref VmStateWriter writer, in double value) => writer.Run(4).Clear();
            public static void Load(ref VmStateReader reader, ref double value) { reader.Run(4, "angle:4"u8); value = 1; }
            public static int Measure(in double value) => 4;
        }

        [VmState("hooks", Version = 2, Needed = nameof(IsOn), Priority = MigrationPriority.Iommu)]
        public partial class Hooks
        {
            [Field(Expect = Expect.NotAbove)] private int versionId;
            [Field(Codec = typeof(AngleCodec))] private double angle;
            [Field] private byte position;

            private bool IsOn() => true;
            [Validate("the position is beyond the ring")] private bool PositionIsInside() => position < 16;
            [BeforeSave] private void Quiesce() { }
            [AfterSave] private void Resume() { }
            [BeforeLoad] private void Reset() { }
            [AfterLoad] private void Rebuild(int version) { }
        }
        """;

    public const string Shapes = """
        namespace Acme
        {
            public partial class Outer<T>
            {
                public partial record struct Middle
                {
                    [VmState]
                    internal partial class @event
                    {
                        [Field] private int @class;
                    }
                }
            }
        }

        [VmState("global")]
        internal partial record Global
        {
            [Field] public int Value { get; set; }
        }
        """;

    public const string Collections = """
        namespace Acme;

        [VmState(Version = 2)]
        public partial class Request
        {
            [Field] private ulong sector;
            [Field(Max = 4)] private System.Collections.Generic.List<Segment> segments = new();
        }

        [VmState]
        public partial struct Segment
        {
            [Field] private uint length;
        }

        [VmState]
        public partial struct Interval : IComparable<Interval>
        {
            [Field] private ulong low;
            [Field] private ulong high;
            public int CompareTo(Interval other) => low.CompareTo(other.low);
        }

        [VmState("collections")]
        public partial class Collections
        {
            [Field(Max = 8)] private readonly System.Collections.Generic.List<Request> requests = new();
            [Field(Max = 8)] private System.Collections.Generic.LinkedList<Request>? queue;
            [Field(Max = 8)] private System.Collections.Generic.LinkedList<Segment> free = new();
            [Field(Max = 8)] private System.Collections.Generic.SortedList<ulong, Request> byAddress = new();
            [Field(Max = 8)] private System.Collections.Generic.SortedList<Interval, Segment> mappings = new();
            [Field(Max = 8)] private System.Collections.Generic.SortedDictionary<ulong, Segment> sorted = new();
            [Field(Max = 40)] private string label = "";
            [Field(Max = 4000)] public string? Comment { get; set; }
            [Field(Max = 64)] private byte[]? blob;
            [Field(Length = 100, As = WireType.Bitmap)] private ulong[] pending = new ulong[2];
            [Field(Length = 100)] private System.Collections.BitArray masked = new(100);
            [Field] private ushort used;
            [Field(CountFrom = nameof(used), Max = 256, As = WireType.Bitmap)] private ulong[]? counted;
            [Field(Length = 4)] private Memory<uint> window = new uint[4];
            [Field(Length = 2, Columns = 3)] private ushort[,] matrix = new ushort[2, 3];
            [Field(Length = 2, Columns = 2)] private Segment[,]? grid;
            [Removed("queue_stats", 4, CountFrom = nameof(used), Max = 16)] [Field] private byte last;
        }
        """;

    public const string References = """
        namespace Acme;

        [VmState]
        public partial class Port
        {
            [Field] private byte id;
            [Parent] private Hub? hub;
            [Field(When = nameof(IsWide))] private uint wide;
            private bool IsWide => hub is { IsWide: true };
        }

        [VmState]
        public partial struct Parts : IVmStateCompanion<double>, IVmStateCompanion<Hub>
        {
            [Field] private ulong mantissa;
            [Field] private ushort exponent;
            public void CopyFrom(in double value) => mantissa = (ulong)BitConverter.DoubleToInt64Bits(value);
            public void CopyTo(ref double value) => value = BitConverter.Int64BitsToDouble((long)mantissa);
            public void CopyFrom(in Hub value) => exponent = 1;
            public void CopyTo(ref Hub value) { }
        }

        [VmState("hub")]
        public partial class Hub
        {
            [Field(Length = 4)] private readonly Port?[] ports = new Port?[4];
            [Field(Length = 4, NullMarker = NullMarker.Every)] private Port?[]? every;
            [Field(Length = 3)] private uint?[] values = new uint?[3];
            [Field] private Port main = new();
            [Field(Via = typeof(Parts))] private double angle;
            [Field(Via = typeof(Parts), Length = 2)] private double[] angles = new double[2];
            [Field(Via = typeof(Parts))] private Hub Self => this;
            [Subsection("hub/extra")] private Port? extra;
            [Ignore("configuration")] public bool IsWide { get; init; }
        }
        """;

    public const string Opaque = """
        namespace Acme;

        [VmState]
        public partial class Part
        {
            [Field] private byte id;
            [Ignore("before it")] internal byte Kind { get; set; }
        }

        [VmState]
        public partial struct Angle : IVmStateCompanion<double>
        {
            [Field] private ulong bits;
            public void CopyFrom(in double value) => bits = (ulong)BitConverter.DoubleToInt64Bits(value);
            public void CopyTo(ref double value) => value = BitConverter.Int64BitsToDouble((long)bits);
        }

        [VmState("opaque")]
        public partial class Opaque
        {
            [Field(TypeName = "blob")] private readonly Part part = new();
            [Field(TypeName = "blob", Length = 2)] private readonly Part[] parts = { new(), new() };
            [Field(TypeName = "blob", Length = 2)] private readonly Part?[] holes = new Part?[2];
            [Field(TypeName = "requests", Max = 8, Marker = nameof(Part.Kind))] private readonly System.Collections.Generic.List<Part> requests = new();
            [Field(TypeName = "tree", Max = 8)] private readonly System.Collections.Generic.SortedList<ulong, Part> tree = new();
            [Field(TypeName = "angle", Via = typeof(Angle))] private double angle;
            [Field(TypeName = "CPU_Double_U")] private double number;
        }
        """;

    public const string Descriptors = """
        using System.Collections.Generic;
        using Microsoft.Win32.SafeHandles;

        namespace Acme;

        [VmState("tap", Version = 2)]
        public partial class Tap
        {
            [Field] private uint control;
            [Field] private SafeFileHandle? fd;
            [Field("vhost_fd", Version = 2)] private SafeFileHandle vhost = null!;
            [Field] private byte state;
        }

        [VmState("taps")]
        public partial class Taps
        {
            [Field(Max = 4)] private readonly List<Tap> taps = new();
        }
        """;

    public static readonly string[] All = { Scalars, Versions, Arrays, Nested, Subsections, Hooks, Shapes, Collections, References, Opaque, Descriptors };
}
