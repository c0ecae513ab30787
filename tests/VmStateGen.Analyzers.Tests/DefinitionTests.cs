using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;

namespace VmStateGen.Analyzers.Tests;

/// <summary>What the one reading of the attributes finds, beyond the one example that each page has.</summary>
public class DefinitionTests
{
    /// <summary>Members of a plain [VmState] type, and all that is reported of them: "id text of the message" each.</summary>
    [Theory]
    // What migrates must be said of everything that the object holds.
    [InlineData("private byte a;", "VMS110 'a' of 'T'")]
    [InlineData("public byte A { get; set; }", "VMS110 'A' of 'T'")]
    [InlineData("public event Action? E;", "VMS110 'E' of 'T'")]
    [InlineData("[Ignore(\"x\")] public event Action? E; [field: Ignore(\"y\")] public event Action? F;")]
    [InlineData("public event Action? E { add { } remove { } }")]
    [InlineData("private static byte a; private const int B = 1; public byte C => 1; public byte D { get => 1; set { } }")]
    [InlineData("[field: Ignore(\"configuration\")] public byte A { get; }")]
    [InlineData("private byte a, b;", "VMS110 'a'", "VMS110 'b'")]
    // Types.
    [InlineData("[Field] private nint a;", "VMS111 'a' is nint")]
    [InlineData("[Field] private nuint a;", "VMS111 use long or ulong")]
    [InlineData("[Field] private decimal a;", "VMS111 four 32-bit parts")]
    [InlineData("[Field] private char a;", "VMS111 use ushort")]
    [InlineData("[Field] private unsafe int* a;", "VMS111 rebuild it in [AfterLoad]")]
    [InlineData("[Field] private unsafe delegate*<void> a;", "VMS111 rebuild it in [AfterLoad]")]
    [InlineData("[Field] private Action? a;", "VMS111 subscribe again")]
    [InlineData("[Field] private object? a;", "VMS111 [VmState] on that type")]
    [InlineData("[Field] private DateTime a;", "VMS111 a Codec")]
    [InlineData("[Field] private int? a;", "VMS111 only elements of an array can be null")]
    [InlineData("[Field] private (int, int) a;", "VMS111")]
    [InlineData("[Field] private System.Collections.Generic.List<int>? a;", "VMS111 a collection of int")]
    [InlineData("[Field(Length = 2)] private int[,]? a;", "VMS114")]
    [InlineData("[Field] private int[,]? a;", "VMS114 without Length (rows) and Columns")]
    [InlineData("[Field(Length = 2)] private nint[]? a;", "VMS111 long or ulong")]
    [InlineData("[Field] private T? a;", "VMS111 contains itself")]
    [InlineData("[Field(Length = 2)] private T[]? a;", "VMS111 contains itself")]
    [InlineData("[Field] private Other? a; [VmState] public sealed partial class Other { [Field] private T? b; }", "VMS111 'b' is T", "VMS111 'a' is T.Other")]
    [InlineData("[Subsection] private int a;", "VMS111 a flat subsection")]
    [InlineData("[Field] private Stranger? a; public class Stranger { }", "VMS111 [VmState] on that type")]
    [InlineData("[Field] private System.Runtime.InteropServices.SafeHandle? a;", "VMS111 use SafeFileHandle")]
    [InlineData("[Field] private System.Net.Sockets.SafeSocketHandle? a;", "VMS111 use SafeFileHandle")]
    [InlineData("[Field(Length = 2)] private Microsoft.Win32.SafeHandles.SafeFileHandle[]? a;", "VMS111 a member for each file")]
    [InlineData("[Field(Element = 0)] private Microsoft.Win32.SafeHandles.SafeFileHandle[]? a;", "VMS111 a member for each file")]
    [InlineData("[Field(Length = 2)] private Microsoft.Win32.SafeHandles.SafeFileHandle?[]? a;", "VMS111 a member for each file")]
    [InlineData("[Field(Max = 2)] private System.Collections.Generic.List<Microsoft.Win32.SafeHandles.SafeFileHandle>? a;", "VMS111")]
    [InlineData("[Field(As = WireType.U32)] private Microsoft.Win32.SafeHandles.SafeFileHandle? a;", "VMS116 single integers")]
    [InlineData("[Field(Expect = Expect.Equal)] private Microsoft.Win32.SafeHandles.SafeFileHandle? a;", "VMS116 Expect")]
    [InlineData("[Field(Default = 3)] private Microsoft.Win32.SafeHandles.SafeFileHandle? a;", "VMS116 Default")]
    [InlineData("[Field] private readonly Microsoft.Win32.SafeHandles.SafeFileHandle a = new();", "VMS112 'a'")]
    [InlineData("[Field(Via = typeof(int))] private int a;", "VMS130 IVmStateCompanion<int>")]
    [InlineData("[Field] private bool a; [Field] private Guid b; [Field] private UInt128 c; [Field] private VmTimer d; [Field] private DayOfWeek e; [Field] private double f;")]
    // Assignable.
    [InlineData("[Field] private readonly int a;", "VMS112 'a'")]
    [InlineData("[Field(Expect = Expect.Equal)] private readonly int a = 2; [Field(Expect = Expect.Equal)] public int B { get; } = 2;")]
    [InlineData("[Field(Expect = Expect.NotAbove)] private readonly int a = 2;", "VMS112 'a'")]
    [InlineData("[Field] public int A { get; }", "VMS112")]
    [InlineData("[Field] public int A { get; init; }", "VMS112")]
    [InlineData("[Field(Length = 4)] public int[] A { get; } = new int[4];")]
    [InlineData("[Field] private readonly S a; [VmState] public partial struct S { [Field] private int b; }", "VMS112 'a'")]
    [InlineData("[Field] private readonly C a = new(); [VmState] public partial class C { [Field] private int b; }")]
    [InlineData("[Subsection] private C? a; [VmState(\"t/a\", Nested = true)] public partial class C { [Field] private int b; internal C() { } public C(int x) => b = x; }")]
    [InlineData("[Subsection] private C? a; [VmState(\"t/a\", Nested = true)] public partial class C { [Field] private int b; public C(int x) => b = x; }", "VMS112 creatable")]
    // Extents.
    [InlineData("[Field] private int[]? a;", "VMS114 without Length or CountFrom")]
    [InlineData("[Field(Length = 0)] private int[]? a;", "VMS114 Length 0")]
    [InlineData("[Field(Length = 3)] private int a;", "VMS114 no array")]
    [InlineData("[Field(Element = 1, Length = 2)] private int[]? a;", "VMS114 Element 1 beside")]
    [InlineData("[Field(Element = -2)] private int[]? a;", "VMS114 Element -2", "VMS114 without Length")]
    [InlineData("[Field(Start = 1)] private int[]? a;", "VMS114 Start 1 without a Length", "VMS114 without Length")]
    [InlineData("[Field(Start = 1, Length = 2)] private int[]? a;")]
    [InlineData("[Field(Element = 4)] private Four a; [System.Runtime.CompilerServices.InlineArray(4)] public struct Four { private int e; }", "VMS114 Element 4 of 4")]
    [InlineData("[Field(Start = 2, Length = 3)] private Four a; [System.Runtime.CompilerServices.InlineArray(4)] public struct Four { private int e; }", "VMS114 of 4 elements")]
    [InlineData("[Field] private Four a; [System.Runtime.CompilerServices.InlineArray(4)] public struct Four { private int e; }")]
    [InlineData("[Field(Max = 3)] private int a;", "VMS114 Max on something that is not counted")]
    [InlineData("[Field] private int n; [Field(CountFrom = nameof(n), Max = 3)] private int a;", "VMS114 CountFrom on something that is no array")]
    [InlineData("[Field] private int n; [Field(CountFrom = nameof(n), Max = 3, Length = 3)] private int[]? a;", "VMS114 Length beside CountFrom")]
    [InlineData("[Field] private int n; [Field(CountFrom = nameof(n))] private int[]? a;", "VMS113 'a'")]
    [InlineData("[Field] private int n; [Field(CountFrom = nameof(n), Max = -3)] private int[]? a;", "VMS113 'a'")]
    [InlineData("[Removed(\"x\", 0)] [Field] private int a;", "VMS114 size 0")]
    [InlineData("[Field(CountFrom = nameof(n), Max = 3)] private int[]? a; [Ignore(\"configuration\")] private readonly int n = 3;")]
    // Contradictions.
    [InlineData("[Field, Ignore(\"x\")] private int a;", "VMS116 [Field] and [Ignore]")]
    [InlineData("[Field] private static int a;", "VMS116 static")]
    [InlineData("[field: Field] public int A { get; set; }", "VMS110", "VMS116 backing field")]
    [InlineData("[Field] public int this[int i] { get => i; set { } }", "VMS116 indexer")]
    [InlineData("[Field] public int A { set { } }", "VMS116 without a getter")]
    [InlineData("[Ignore(\"x\"), Removed(\"b\", 4)] private int a;", "VMS116 not on the wire")]
    [InlineData("[Field(As = WireType.U16, Length = 2)] private int[]? a;", "VMS116 single integers")]
    [InlineData("[Field(As = WireType.F32)] private int a;", "VMS116 single integers")]
    [InlineData("[Field(Expect = Expect.Equal)] private double a;", "VMS116 Expect")]
    [InlineData("[Field(StructVersion = 1)] private int a;", "VMS116 StructVersion")]
    [InlineData("[Field(ElementVersion = 1)] private int a;", "VMS116 ElementVersion")]
    [InlineData("[Field(Marker = \"Kind\")] private int a;", "VMS116 Marker on something that is no list")]
    [InlineData("[Field(Default = \"x\")] private int a;", "VMS116 Default")]
    [InlineData("[Field(Default = 1)] private bool a;", "VMS116 Default")]
    [InlineData("[Field(Default = new[] { 1 }, Length = 2)] private int[]? a;")]
    [InlineData("[Field(Codec = typeof(int))] private int a;", "VMS130 IVmStateCodec<int>")]
    // Versions.
    [InlineData("[Field(Version = 2)] private int a;", "VMS120 Version 2, which must lie in 1 to 1")]
    [InlineData("[Field(Version = -2)] private int a;", "VMS120 Version -2")]
    [InlineData("[Field(Until = 0)] private int a;", "VMS120 Until 0")]
    [InlineData("[Field(Version = 1)] private int a;", "VMS121 Version 1")]
    [InlineData("[Field(StructVersion = 3)] private S a; [VmState(Version = 2)] public partial struct S { [Field] private int b; }", "VMS120 StructVersion 3, which must lie in 1 to 2, the versions of S")]
    [InlineData("[Field(StructVersion = 2)] private S a; [VmState(Version = 2)] public partial struct S { [Field] private int b; }")]
    // Members that are named.
    [InlineData("[Field(When = \"nobody\")] private int a;", "VMS130 'T' has no 'nobody'")]
    [InlineData("[Field(When = nameof(M))] private int a; private int M() => 1;", "VMS130 'M'")]
    [InlineData("[Field(When = nameof(M))] private int a; private bool M(ref int version) => true;", "VMS130 'M'")]
    [InlineData("[Field(When = nameof(M))] private int a; private bool M<X>() => true;", "VMS130 'M'")]
    [InlineData("[Field(When = nameof(M))] private int a; private bool M(int version) => version > 1;")]
    [InlineData("[Field(When = nameof(M))] private int a; [Ignore(\"configuration\")] private readonly bool M;")]
    [InlineData("[Field(CountFrom = \"n\", Max = 3)] private int[]? a;", "VMS130 integer field")]
    [InlineData("[Field(Marker = \"Kind\", Max = 3)] private readonly System.Collections.Generic.List<E> a = new(); [VmState] public partial class E { [Field] private int b; }", "VMS130 'E' has no 'Kind'")]
    [InlineData("[AfterLoad] private int M() => 1;", "VMS130 void M(int version)")]
    [InlineData("[AfterLoad] private void M(ref int version) { }", "VMS130 void M(int version)")]
    [InlineData("[AfterLoad] private void M(int version) { }")]
    [InlineData("[BeforeSave] private void M(int version) { }", "VMS130 'M'")]
    [InlineData("[BeforeLoad] private static void M() { }", "VMS130 'M'")]
    [InlineData("[AfterSave] private void M() { } [AfterSave] private void N() { }", "VMS132 two [AfterSave] methods, 'M' and 'N'")]
    [InlineData("[Validate(\"x\")] private int M() => 1;", "VMS130 'M'")]
    [InlineData("[Field(When = nameof(M))] private int a; private bool M() { a = 1; return true; }", "VMS131 assigns 'a'")]
    [InlineData("[Field(When = nameof(M))] private int a; private bool M() { int x = 0; x++; (int y, _) = (x, 1); return new C { P = y }.P > 1; } private class C { public int P; }")]
    [InlineData("[Field(When = nameof(M))] private int a; private bool M => --a > 1;", "VMS131 assigns 'a'")]
    [InlineData("[Field(When = nameof(M))] private int a; private bool M() => System.Threading.Interlocked.Increment(ref a) > 1;", "VMS131 assigns 'a'")]
    [InlineData("[Field(When = nameof(M))] private int a; private bool M() => int.TryParse(\"1\", out a);", "VMS131 assigns 'a'")]
    [InlineData("[Field(When = nameof(M))] private int a; private bool M() { ref int x = ref a; x = 3; return true; }", "VMS131 assigns 'x'")]
    [InlineData("[Field(When = nameof(M))] private int a; private bool M() { (int X, int Y) p = (1, 2); p.X = 3; return int.TryParse(\"1\", out int q) && p.X > q; }")]
    // Names.
    [InlineData("[Removed(\"\", 4)] [Field] private int a;", "VMS103")]
    public async Task Members(string members, params string[] expected) =>
        await AssertAsync($"[VmState] public sealed unsafe partial class T {{ {members} }}", expected);

    [Theory]
    [InlineData("[VmState(Version = 2)] public partial class T { [Field(Expect = Expect.Equal, Version = 2, Default = 1)] private readonly int a = 2; }", "VMS112 'a'")]
    [InlineData("[VmState(\"\")] public partial class T { }", "VMS103 wire name '' of 'T'")]
    [InlineData("[VmState(Version = -1)] public partial class T { }", "VMS120 Version -1, which must lie in 0 and above")]
    [InlineData("[VmState(Version = 0)] public partial class T { }")]
    [InlineData("[VmState(MinimumVersion = 2)] public partial class T { }", "VMS120 MinimumVersion 2, which must lie in 0 to Version 1")]
    [InlineData("[VmState(\"t\", Needed = nameof(M))] public partial class T { private bool M(int version) => true; }", "VMS130 bool M();")]
    [InlineData("[VmState(\"t\", Needed = nameof(M))] public partial class T { private bool M() => true; }")]
    [InlineData("[VmState] public partial class T { [AfterLoad] private async void M() => await System.Threading.Tasks.Task.Yield(); }", "VMS130 not async")]
    [InlineData("[VmState] public ref partial struct T { [Field] private int a; }", "VMS111 ref struct")]
    [InlineData("[VmState] public unsafe partial struct T { [Field] private fixed byte a[8]; }", "VMS111 a fixed buffer, which has no encoding; use an [InlineArray(8)] struct")]
    [InlineData("[VmState] public readonly partial struct T { [Field] private readonly int a; }", "VMS112 'a'")]
    [InlineData("[VmState] public partial record T([property: Field] int A);", "VMS112 'A'")]
    [InlineData("[VmState] public partial record T([property: Ignore(\"configuration\")] int A);")]
    [InlineData("[VmState] public partial record T(int A);", "VMS110 'A' of 'T'")]
    [InlineData("[VmState] public partial class T<X> { [Field] private X? a; }", "VMS111 use a concrete type")]
    [InlineData("[VmState] [Removed(\"a\", 4)] public partial class T { }", "VMS116 without AtEnd")]
    [InlineData("[VmState] [Removed(\"a\", 4, AtEnd = true)] public partial class T { }")]
    [InlineData("class A { class B { [VmState] class C { } } }", "VMS100 'A'", "VMS100 'B'", "VMS100 'C'")]
    [InlineData("[VmState] public abstract partial class T { } [VmState(\"u\")] public partial class U : T { [Field] private int a; }")]
    // Two parts, one with items: order is fixed. Two with items: it is not.
    [InlineData("[VmState] public partial class T { [Field] private int a; } public partial class T { [Ignore(\"x\")] private int b; }")]
    [InlineData("[VmState] public partial class T { [Field] private int a; } public partial class T { [Field] private int b; }", "VMS117 several partial declarations")]
    [InlineData("[VmState] public partial class T { [Field(Order = 2)] private int a; } public partial class T { [Field(Order = 1)] private int b; }")]
    [InlineData("[VmState] public partial class T { [Field(Order = 1)] private int a; [Field(Order = 1)] private int b; }", "VMS117 two items have Order 1")]
    // Sections of one name.
    [InlineData("[VmState(\"t\")] public partial class T { } [VmState(\"t\", Nested = true)] public partial class U { }")]
    [InlineData("[VmState(\"t\")] public partial class T { } namespace N { [VmState(\"t\")] public partial class T { } }", "VMS104 belongs to 'N.T'", "VMS104 belongs to 'T'")]
    [InlineData("[assembly: RemovedSection(\"t\", typeof(T))] [VmState(\"t\")] public partial class T { }")]
    [InlineData("[assembly: RemovedSection(\"u\", typeof(T))] [VmState] public partial class T { } [VmState(\"u\")] public partial class U { }", "VMS104 belongs to 'T'")]
    // Attributes that nobody reads.
    [InlineData("public class T { [Field] public int a; [AfterLoad] void M() { } [Parent] object? p; }", "VMS105 [Field], but 'T'", "VMS105 [AfterLoad]", "VMS105 [Parent]")]
    [InlineData("public class T { [field: Field] public int A { get; set; } }", "VMS105 'A' carries [Field]")]
    [InlineData("[Subsection(\"t/x\")] public class T { }", "VMS105 'T' carries [Subsection]")]
    [InlineData("public interface I { [Field] int A { get; set; } }", "VMS105 'A'")]
    [InlineData("public class T { [Ignore(\"harmless\")] public int a; }")]
    public async Task Types(string source, params string[] expected) => await AssertAsync(source, expected);

    private const string Inner = "[VmState(\"s/x\", Nested = true, Version = 2)] public partial class X { [Field] private int a; }";

    [Theory]
    [InlineData("[Subsection] private X? x;")]
    [InlineData("[Subsection] private X x = new();", "VMS144 \"s/x\"")]
    [InlineData("[Subsection(Needed = nameof(M))] private X? x; private bool M() => true;", "VMS144 \"s/x\"")]
    [InlineData("[Subsection(Needed = nameof(M), Absent = nameof(A))] private X? x; private bool M(int version) => true; private void A() { }")]
    [InlineData("[Subsection(Needed = nameof(M))] private X? x; private bool M() => true; [BeforeLoad] private void R() { }")]
    [InlineData("[Subsection(Present = nameof(p))] private X x = new(); [Ignore(\"set by a load\")] private bool p;")]
    [InlineData("[Subsection(Present = nameof(p))] private X x = new(); [Ignore(\"set by a load\")] private readonly bool p;", "VMS130 bool field")]
    [InlineData("[Subsection(Needed = nameof(M), Absent = nameof(A))] private X? x; private bool M() => true; private int A() => 1;", "VMS130 'A' that is void M()")]
    [InlineData("[Subsection(\"x\")] private X? x;", "VMS140 \"x\" does not start with \"s\"")]
    [InlineData("[Subsection(\"s\")] private X? x;", "VMS140")]
    [InlineData("[Subsection(\"\")] private X? x;", "VMS103")]
    [InlineData("[Subsection(\"s/x\")] private X? x; [Subsection(\"s/x\")] private X? y;", "VMS141 \"s/x\" of 'S'")]
    [InlineData("[Subsection, Field] private X? x;", "VMS116", "VMS110")]
    [InlineData("[Subsection(Order = 1)] private X? x; [Subsection] private X? y;", "VMS117 every subsection")]
    [InlineData("[Subsection] private static X? x;", "VMS116 static")]
    [InlineData("[Field(Subsection = \"s/y\")] private int y;", "VMS143 \"s/y\"")]
    [InlineData("[Subsection] private D? d; [VmState(Nested = true)] public partial class D { [Subsection(\"d/e\")] private X? e; }", "VMS140 \"d/…\" does not start with \"s/d\"")]
    public async Task Subsections(string members, params string[] expected)
    {
        // Field beside Subsection is one mistake, and the X that it reaches is only of use with the rest.
        string[] wanted = expected.Where(line => line != "VMS110").ToArray();
        await AssertAsync($"[VmState(\"s\")] public sealed partial class S {{ {members} }} {Inner}", wanted);
    }

    [Theory]
    [InlineData("[RemovedSubsection(\"s/old\", typeof(X))]")]
    [InlineData("[RemovedSubsection(\"old\", typeof(X))]", "VMS140 \"old\"")]
    [InlineData("[RemovedSubsection(\"s/old\", typeof(int))]", "VMS111 a [VmState] type")]
    [InlineData("[Subsection(\"s/x\", Needed = nameof(M), Absent = nameof(A), Version = 3, MinimumVersion = 4)]", "VMS120 MinimumVersion 4")]
    [InlineData("[Subsection(\"s/x\", Needed = nameof(M), Absent = nameof(A)), RemovedSubsection(\"s/x\", typeof(X))]", "VMS141 \"s/x\"")]
    public async Task Flat_and_removed_subsections(string attributes, params string[] expected) =>
        await AssertAsync($"[VmState(\"s\")] {attributes} public sealed partial class S {{ private bool M() => true; private void A() {{ }} }} {Inner}", expected);

    /// <summary>What the compiler reports is not reported again in other words.</summary>
    [Theory]
    [InlineData("[Field(Length = Nobody)] private int[]? a;")]
    [InlineData("[Field] private Nobody a;")]
    [InlineData("[Field(nobody)] private int a;")]
    [InlineData("[Field(Nothing = 3)] private int a;")]
    [InlineData("[Field(Length = \"3\")] private int[]? a;")]
    [InlineData("[Subsection] private Nobody? a;")]
    [InlineData("[Removed(\"x\")] [Field] private int a;")]
    public async Task No_report_on_top_of_a_compiler_error(string members)
    {
        string source = $"[VmState(\"t\")] public sealed partial class T {{ {members} }}";
        Assert.NotEmpty(Verifier.CompilerErrors(Verifier.Compile(source)));
        Assert.Empty(await Verifier.AnalyzeAsync(source));
    }

    /// <summary>The compiler misses the name too, but not what it would have to be; and one thing is missing, not two.</summary>
    [Fact]
    public async Task A_name_that_is_missing_is_reported_once()
    {
        var found = await Verifier.AnalyzeAsync(
            "[VmState(\"t\")] [Subsection(\"t/x\", Needed = nameof(nobody), Absent = nameof(A))] public partial class T { [Field(Subsection = \"t/x\")] private int a; void A() { } }");
        Assert.Equal("VMS130", Assert.Single(found).Id);
    }

    /// <summary>Without the library there is nothing to say of attributes that happen to have its names.</summary>
    [Fact]
    public async Task Other_libraries_attributes_are_not_ours() => Assert.Empty(await Verifier.AnalyzeAsync(
        "namespace Acme { public class FieldAttribute : Attribute; public class T { [Acme.Field] public int a; } }"));

    [Fact]
    public async Task A_schema_of_another_assembly_that_cannot_be_read_is_reported()
    {
        Compilation library = Verifier.Compile("[VmState] [VmStateSchema(\"no such line\")] public partial struct L { [Field] private int a; }");
        using var image = new MemoryStream();
        Assert.True(library.WithAssemblyName("Library").Emit(image).Success);
        Compilation user = Verifier.Compile("[VmState] public partial class T { [Field] private L l; }")
            .AddReferences(MetadataReference.CreateFromImage(image.ToArray()));
        Assert.Matches("VMS111.*Library built with the same VmStateGen", Assert.Single(await Verifier.AnalyzeAsync(user)).ToString());
    }

    /// <summary>An editor refers to other projects by their source, whose trees are not those of the compilation at hand.</summary>
    [Fact]
    public async Task Predicates_and_state_of_another_project_are_understood()
    {
        Compilation library = Verifier.Compile("""
            [VmState] public partial class Base { [Field] private int a; protected bool M() => a++ > 0; public event Action? E; }
            [VmState] public partial struct L { [Field] private nint a; }
            """).WithAssemblyName("Library");
        Compilation user = Verifier.Compile("[VmState] public partial class T : Base { [Field(When = nameof(M))] private L l; }")
            .AddReferences(library.ToMetadataReference());
        Assert.Empty(Verifier.CompilerErrors(user));
        Assert.Empty(await Verifier.AnalyzeAsync(user));
    }

    private static async Task AssertAsync(string source, string[] expected)
    {
        Compilation compilation = Verifier.Compile(source);
        Assert.Empty(Verifier.CompilerErrors(compilation));
        string[] found = (await Verifier.AnalyzeAsync(compilation)).Select(diagnostic => $"{diagnostic.Id} {diagnostic.GetMessage()}").ToArray();
        Assert.True(found.Length == expected.Length && expected.All(wanted => found.Any(line => Fits(line, wanted))),
            "expected " + string.Join(" | ", expected) + "\nfound    " + string.Join(" | ", found));
        // Of what only some types of the source are refused for, nothing can be said.
        if (found.Length == 0)
            Assert.Empty(Verifier.GeneratedErrors(compilation));
    }

    private static bool Fits(string line, string wanted) =>
        line.StartsWith(wanted[..6], StringComparison.Ordinal) && line.Contains(wanted[6..].Trim(), StringComparison.Ordinal);
}
