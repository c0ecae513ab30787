using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.Loader;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CSharp;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers.Tests;

/// <summary>
/// A fix is right if streams of the release load in the fixed code with the values that they had. Shown by running both: the release's
/// code saves, the fixed code loads.
/// </summary>
public class OldStreamTests
{
    private const string Uart = """
        [VmState("uart")]
        public partial class Uart
        {
            [Field] public byte Lcr;
            [Field] public Fifo Queue = new();
            [Field(Length = 2)] public Fifo[] More = [new(), new()];
            [Field] public ushort Divider;
        }

        """;

    private const string Fifo = """
        [VmState]
        public partial class Fifo
        {
            [Field] public byte Head;
            [Field] public byte Tail;
        }

        """;

    /// <summary>One type between the section and the one that grows: its version is raised too.</summary>
    private const string Board = """
        [VmState("board")]
        public partial class Board
        {
            [Field] public Port Port = new();
            [Field] public uint Id;
        }

        [VmState]
        public partial class Port
        {
            [Field] public byte Lcr;
            [Field] public Fifo Queue = new();
        }

        """;

    [Theory]
    [InlineData("subsection")]
    [InlineData("split")]
    public async Task Nested_state_grows_and_old_streams_load(string key)
    {
        foreach (string device in new[] { Uart, Board })
        {
            string old = device + Fifo, grown = device + Grow(Fifo, "[Field]");
            string text = await FixAsync([grown], Releases.Accepted(old, grown), key);
            Assert.Empty((await Releases.AnalyzeAsync(text, Releases.Accepted(old, text))).Select(diagnostic => diagnostic.ToString() + text));
            AssertLoads(device == Uart ? "Uart" : "Board", Run(old), Run(text));
        }
    }

    /// <summary>
    /// The other project has given the field a version of its own; nested state does not carry it, so the break is reported at the use, where
    /// it can be mended, and the fix mends it there.
    /// </summary>
    [Fact]
    public async Task State_of_another_project_grows_and_old_streams_load()
    {
        byte[] before = Library(Fifo), after = Library(Grow(Fifo, "[Field(Version = 2)]").Replace("[VmState]", "[VmState(Version = 2)]", StringComparison.Ordinal));
        List<(string, string)> files = [(BaselineSet.ShippedName, $"{SchemaWriter.Header}\n#release 1.0\n{SchemaWriter.Write(Schemas(Uart, before))}")];
        using var project = new Releases([Uart], files, MetadataReference.CreateFromImage(after));
        Diagnostic[] found = [.. await project.AnalyzeAsync()];
        Assert.All(found, diagnostic => Assert.Equal("VMS212", diagnostic.Id));
        Assert.StartsWith("[Field", found[0].Location.SourceTree!.GetText().ToString()[(found[0].Location.SourceSpan.Start - 1)..], StringComparison.Ordinal);

        await project.ApplyAsync((await project.OffersAsync("VMS212")).Single(action => action.EquivalenceKey == "split"));
        string text = await project.SourceAsync();
        Assert.DoesNotContain(await project.AnalyzeAsync(), diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        AssertLoads("Uart", Run(Uart, before), Run(text, after));
    }

    /// <summary>A field without a version in another project's type cannot be kept out of old streams from here: nothing is offered.</summary>
    [Fact]
    public async Task What_the_other_project_must_mend_has_no_fix_here()
    {
        byte[] before = Library(Fifo), after = Library(Grow(Fifo, "[Field]"));
        using var project = new Releases([Uart], [(BaselineSet.ShippedName, $"{SchemaWriter.Header}\n#release 1.0\n{SchemaWriter.Write(Schemas(Uart, before))}")], MetadataReference.CreateFromImage(after));
        Assert.NotEmpty(await project.AnalyzeAsync());
        Assert.DoesNotContain(await project.OffersAsync("VMS212"), action => action.EquivalenceKey == "split");
    }

    /// <summary>A list loads its elements at their own version only: no place of it can be split, so none is.</summary>
    [Theory]
    [InlineData("[Field(Max = 3)] public System.Collections.Generic.List<Fifo> All = new();")]
    [InlineData("[Subsection(Needed = nameof(Is))] public Fifo Sub = new(); private bool Is() => true;")]
    [InlineData("[Field(When = nameof(Is))] public Fifo Sub = new(); private bool Is() => true;")]
    public async Task Split_is_all_or_nothing(string member)
    {
        string old = $"[VmState(\"uart\")] public partial class Uart {{ [Field] public Fifo Queue = new(); {member} }}\n" + Fifo;
        string grown = old.Replace(Fifo, Grow(Fifo, "[Field]"), StringComparison.Ordinal);
        using var project = new Releases([grown], Releases.Accepted(old, grown));
        Assert.DoesNotContain(await project.OffersAsync("VMS212"), action => action.EquivalenceKey == "split");
    }

    /// <summary>The fixes of a section's own fields.</summary>
    [Theory]
    [InlineData("[Field] public ushort Divider;", "[Field] public ushort Divider;\n    [Field] public byte Scratch;", "bump")]
    [InlineData("[Field] public ushort Divider;", "[Field] public ushort Divider;\n    [Field] public byte Scratch;", "subsection")]
    [InlineData("[Field] public byte Lcr;", "[Field] public byte Lcr;\n    [Field] public byte Scratch;", "bump")]
    [InlineData("[Field] public byte Lcr;", "[Field] public uint Lcr;", "as")]
    public async Task A_section_changes_and_old_streams_load(string was, string now, string key)
    {
        string old = Uart + Fifo, changed = old.Replace(was, now, StringComparison.Ordinal);
        string text = await FixAsync([changed], Releases.Accepted(old, changed), key);
        AssertLoads("Uart", Run(old), Run(text));
    }

    private static string Grow(string fifo, string attribute) => fifo.Replace("public byte Tail;", $"public byte Tail;\n    {attribute} public ushort Timeout;", StringComparison.Ordinal);

    private static async Task<string> FixAsync(string[] sources, IEnumerable<(string, string)> files, string key)
    {
        using var project = new Releases(sources, files);
        string rule = (await project.AnalyzeAsync()).First(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).Id;
        CodeAction action = (await project.OffersAsync(rule)).First(action => action.EquivalenceKey == key);
        await project.ApplyAsync(action);
        return await project.SourceAsync();
    }

    /// <summary>The old code saves a device of many values; the new one loads it, and every value that the old one has is there.</summary>
    private static void AssertLoads(string type, System.Reflection.Assembly old, System.Reflection.Assembly now)
    {
        var saved = (IVmState)Activator.CreateInstance(old.GetType(type)!)!;
        Fill(saved, 1);
        byte[] bytes = new byte[VmState.MaxSize(saved)];
        bytes = bytes[..VmState.Save(saved, bytes)];
        var loaded = (IVmState)Activator.CreateInstance(now.GetType(type)!)!;
        VmState.Load(loaded, bytes, saved.StateType.Version);
        AssertSame(saved, loaded);
    }

    private static int Fill(object state, int next)
    {
        foreach (System.Reflection.FieldInfo field in state.GetType().GetFields())
        {
            if (field.FieldType.IsPrimitive)
                field.SetValue(state, Convert.ChangeType(next++, field.FieldType));
            else if (field.GetValue(state) is Array array)
                next = array.Cast<object>().Aggregate(next, (number, element) => Fill(element, number));
            else
                next = Fill(field.GetValue(state)!, next);
        }
        return next;
    }

    private static void AssertSame(object old, object now)
    {
        foreach (System.Reflection.FieldInfo field in old.GetType().GetFields())
        {
            object left = field.GetValue(old)!, right = now.GetType().GetField(field.Name)!.GetValue(now)!;
            if (field.FieldType.IsPrimitive)
                Assert.Equal(Convert.ToUInt64(left), Convert.ToUInt64(right));
            else if (left is Array array)
                Assert.All(array.Cast<object>().Zip(((Array)right).Cast<object>()), pair => AssertSame(pair.First, pair.Second));
            else
                AssertSame(left, right);
        }
    }

    private static SchemaSet Schemas(string source, byte[] library) =>
        CurrentSchema.Build(Verifier.Compile(source).AddReferences(MetadataReference.CreateFromImage(library)), default).Schemas;

    private static byte[] Library(string source) => Emit(Verifier.Compile(source).WithAssemblyName("Library"));

    private static System.Reflection.Assembly Run(string source, byte[]? library = null)
    {
        var context = new AssemblyLoadContext(null);
        CSharpCompilation compilation = Verifier.Compile(source);
        if (library is not null)
        {
            context.Resolving += (_, name) => name.Name == "Library" ? context.LoadFromStream(new MemoryStream(library)) : null;
            compilation = compilation.AddReferences(MetadataReference.CreateFromImage(library));
        }
        return context.LoadFromStream(new MemoryStream(Emit(compilation)));
    }

    private static byte[] Emit(Compilation compilation)
    {
        CSharpGeneratorDriver.Create([new Generator.VmStateGenerator().AsSourceGenerator()], parseOptions: (CSharpParseOptions)compilation.SyntaxTrees.First().Options)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation generated, out _);
        using var image = new MemoryStream();
        Microsoft.CodeAnalysis.Emit.EmitResult result = generated.Emit(image);
        Assert.True(result.Success, string.Join("\n", result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)));
        return image.ToArray();
    }
}
