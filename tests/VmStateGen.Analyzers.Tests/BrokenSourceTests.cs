using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using VmStateGen.Parsing;

namespace VmStateGen.Analyzers.Tests;

/// <summary>
/// An analyzer sees every state between two key strokes. Whatever is missing, it may not throw (AD0001 switches it off for the
/// session), nor may the generator's reading or a fix.
/// </summary>
public class BrokenSourceTests
{
    private const string Device = """
        [assembly: RemovedSection("old", typeof(Old))]
        [VmState("e1000", Version = 3, MinimumVersion = 1, Priority = MigrationPriority.PciBus, Needed = nameof(Plugged))]
        [Subsection("e1000/full_mac_state", Version = 2, Needed = nameof(FullMacNeeded), Absent = nameof(MacDefaults))]
        [RemovedSubsection("e1000/foo", typeof(Old)), Removed("tail", 3, AtEnd = true)]
        public sealed unsafe partial class E1000 : Base
        {
            private const int Size = 64;
            [Field, Removed("x", 2)] private uint rxbufSize;
            [Field(Version = 2, Default = 3)] private ushort mitTimer;
            [Field(Until = 2)] private byte legacy;
            [Field(Length = Size)] private readonly ushort[] eeprom = new ushort[Size];
            [Field(When = nameof(HasFlash))] private uint flashState;
            [Field] private int descCount;
            [Field(CountFrom = nameof(descCount), Max = 256)] private Descriptor[] ring = new Descriptor[256];
            [Field("mac_reg[RDTR]", Element = 5)] [Field(Subsection = "e1000/full_mac_state", Length = 0x800)] private uint[] macReg = [];
            [Field(Codec = typeof(Config), TypeName = "config")] private byte[] config = new byte[256];
            [Field] private Four four;
            [Field(As = WireType.U16, Expect = Expect.NotAbove)] public int Level { get; private set; }
            [Ignore("host handle")] private object? tap;
            [Subsection(Present = nameof(hasMit))] private Mit? mit;
            [Ignore("set by a load")] private bool hasMit;
            [Ignore("listeners")] public event Action? Changed;
            [BeforeSave] private void Quiesce() => tap = null;
            [AfterLoad] private void Rebuild(int version) => Changed?.Invoke();
            [Validate("rings")] private bool RingsFit() => descCount is >= 0 and <= 256;
            private bool Plugged() => true;
            private bool HasFlash(int version) => version > 1;
            private bool FullMacNeeded { get { var (a, b) = (1, 2); return a < b; } }
            private void MacDefaults() { }
        }

        [VmState] public partial class Base { [Field] private byte irq; }
        [VmState] public partial struct Descriptor { [Field] private ulong address; [Field(StructVersion = 1)] private Inner inner; }
        [VmState(Version = 2)] public partial struct Inner { [Field] private Guid id; [Parent] private Descriptor[] owner; }
        [VmState("e1000/mit", Nested = true)] public partial class Mit { [Field] private int a; [Field(Order = 1)] private byte b; }
        [VmState("old")] public partial record Old { [Field] public int X { get; set; } }
        [VmState] public unsafe partial struct Pins { [Ignore("pins")] private fixed byte pins[4]; }
        [System.Runtime.CompilerServices.InlineArray(4)] public struct Four { private int e; }
        [VmStateCodec("config", 256)]
        public abstract class Config : IVmStateCodec<byte[]>
        {
            public static void Save(ref VmStateWriter writer, in byte[] value) { }
            public static void Load(ref VmStateReader reader, ref byte[] value) { }
            public static int Measure(in byte[] value) => 256;
        }
        """;

    /// <summary>More by hand: VMSTATE_FUZZ=20000 dotnet test --filter BrokenSource.</summary>
    private static readonly int Rounds =
        int.TryParse(Environment.GetEnvironmentVariable("VMSTATE_FUZZ"), NumberStyles.None, CultureInfo.InvariantCulture, out int rounds) ? rounds : 250;

    [Fact]
    public void The_device_compiles() => Assert.Empty(Verifier.CompilerErrors(Verifier.Compile(Device)));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Nothing_throws(int seed)
    {
        string[] sources = RulePage.Descriptors.SelectMany(rule => new[] { RulePage.Read(rule.Id).Bad, RulePage.Read(rule.Id).Good })
            .Concat(FixCases.All.Select(test => test.Before)).Concat(Enumerable.Repeat(Device, 60)).ToArray();
        var random = new Random(seed);
        for (int round = 0; round < Rounds; round++)
        {
            string broken = Break(sources[random.Next(sources.Length)], random);
            try
            {
                Compilation compilation = Verifier.Compile(broken);
                foreach (Diagnostic diagnostic in await Verifier.AnalyzeAsync(compilation))
                    Assert.DoesNotContain("{0}", diagnostic.GetMessage(), StringComparison.Ordinal);
                ParseAsGenerator(compilation);
                await Verifier.TryAllFixesAsync(Fixes.All, broken);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"round {round}: {e}\n{broken}");
            }
        }
    }

    /// <summary>The analyzers report an error wherever the generator gives up without the compiler knowing why, and nowhere else.</summary>
    [Theory]
    [MemberData(nameof(RulePageTests.Ids), MemberType = typeof(RulePageTests))]
    public async Task The_generator_gives_up_exactly_on_errors(string id)
    {
        if (id == DeclarationRules.DuplicateSection.Id)
            return;
        foreach (string source in new[] { RulePage.Read(id).Bad, RulePage.Read(id).Good })
        {
            Compilation compilation = Verifier.Compile(source);
            bool hasErrors = (await Verifier.AnalyzeAsync(compilation)).Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
            bool isStray = id == DeclarationRules.NotState.Id;
            Assert.Equal(hasErrors && !isStray, ParseAsGenerator(compilation) > 0);
        }
    }

    /// <returns>Types that nothing is generated for.</returns>
    private static int ParseAsGenerator(Compilation compilation)
    {
        var sink = new CountingSink();
        int failed = 0;
        foreach (INamedTypeSymbol type in compilation.GetSymbolsWithName(_ => true, SymbolFilter.Type).OfType<INamedTypeSymbol>())
        {
            if (TypeParser.IsState(type) && TypeParser.Parse(type, compilation, sink) is null)
                failed++;
        }
        return failed;
    }

    /// <summary>Takes out, doubles or exchanges a few tokens.</summary>
    private static string Break(string source, Random random)
    {
        List<string> tokens = SyntaxFactory.ParseTokens(source).Select(token => token.ToFullString()).ToList();
        for (int change = random.Next(1, 5); change > 0 && tokens.Count > 1; change--)
        {
            int at = random.Next(tokens.Count);
            switch (random.Next(6))
            {
                case 0:
                    tokens.Insert(at, tokens[at]);
                    break;
                case 1:
                    int other = random.Next(tokens.Count);
                    (tokens[at], tokens[other]) = (tokens[other], tokens[at]);
                    break;
                case 2:
                    tokens.RemoveRange(at, Math.Min(random.Next(1, 8), tokens.Count - at));
                    break;
                default:
                    tokens.RemoveAt(at);
                    break;
            }
        }
        return string.Concat(tokens);
    }

    private sealed class CountingSink : ProblemSink
    {
        public override bool WantsLocations => false;

        public override void Report(DefinitionRule rule, Location? location, params string[] arguments) => Assert.Null(location);
    }
}
