using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace VmStateGen.Generator.Tests;

/// <summary>An edit costs what it changes.</summary>
public class CachingTests
{
    [Fact]
    public void A_second_run_over_the_same_sources_recomputes_nothing()
    {
        GeneratorRun second = GeneratorRun.Of(Sources.All).Again(compilation => compilation.Clone());

        Assert.All(Reasons(second), reason => Assert.True(reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged, reason.ToString()));
        Assert.All(OutputReasons(second), reason => Assert.Equal(IncrementalStepRunReason.Cached, reason));
    }

    [Fact]
    public void An_unrelated_edit_emits_nothing_again()
    {
        GeneratorRun second = GeneratorRun.Of(Sources.All)
            .Again(compilation => compilation.AddSyntaxTrees(CSharpSyntaxTree.ParseText("class Unrelated { int x = 1; }", (CSharpParseOptions)compilation.SyntaxTrees.First().Options)));

        Assert.All(OutputReasons(second), reason => Assert.Equal(IncrementalStepRunReason.Cached, reason));
    }

    [Theory]
    [InlineData("[Field] private uint length; // a comment", 0)]
    [InlineData("[Field] private uint length; private int Twice() => 2;", 0)]
    // The type itself, and the one whose run contains it.
    [InlineData("[Field] private uint length; [Field] private byte more;", 2)]
    public void An_edit_emits_the_type_and_what_contains_its_bytes(string replacement, int expected)
    {
        const string Inner = "[VmState] public partial struct Inner { [Field] private uint length; }";
        const string Outer = "[VmState(\"outer\")] public partial class Outer { [Field] private Inner inner; }";
        const string Other = "[VmState(\"other\")] public partial class Other { [Field] private int x; }";
        GeneratorRun first = GeneratorRun.Of(Inner, Outer, Other);

        GeneratorRun second = first.Again(compilation =>
        {
            SyntaxTree tree = compilation.SyntaxTrees.First();
            return compilation.ReplaceSyntaxTree(tree, tree.WithChangedText(Microsoft.CodeAnalysis.Text.SourceText.From(
                tree.ToString().Replace("[Field] private uint length;", replacement))));
        });

        Assert.Equal(expected, OutputReasons(second).Count(reason => reason != IncrementalStepRunReason.Cached));
    }

    [Fact]
    public void The_order_of_files_does_not_matter()
    {
        IReadOnlyDictionary<string, string> forward = GeneratorRun.Of(Sources.All).Texts;
        IReadOnlyDictionary<string, string> backward = GeneratorRun.Of(Sources.All.Reverse().ToArray()).Texts;

        Assert.Equal(forward.OrderBy(text => text.Key), backward.OrderBy(text => text.Key));
    }

    [Fact]
    public void The_model_holds_no_symbol_syntax_or_location()
    {
        GeneratorRun run = GeneratorRun.Of(Sources.All);
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);

        foreach (object value in TrackingNames.All.SelectMany(name => Steps(run)[name]).SelectMany(step => step.Outputs).Select(output => output.Value))
            Check(value, seen);

        Assert.NotEmpty(seen);
    }

    [Fact]
    public void Every_step_has_a_name() => Assert.All(TrackingNames.All, name => Assert.Contains(name, Steps(GeneratorRun.Of(Sources.All)).Keys));

    private static IReadOnlyDictionary<string, System.Collections.Immutable.ImmutableArray<IncrementalGeneratorRunStep>> Steps(GeneratorRun run) =>
        run.Result.Results.Single().TrackedSteps;

    private static IEnumerable<IncrementalStepRunReason> Reasons(GeneratorRun run) =>
        TrackingNames.All.SelectMany(name => Steps(run)[name]).SelectMany(step => step.Outputs).Select(output => output.Reason);

    private static IEnumerable<IncrementalStepRunReason> OutputReasons(GeneratorRun run) =>
        run.Result.Results.Single().TrackedOutputSteps.SelectMany(step => step.Value).SelectMany(step => step.Outputs).Select(output => output.Reason);

    private static void Check(object? value, HashSet<object> seen)
    {
        if (value is null || value is string || value.GetType().IsPrimitive || value.GetType().IsEnum || !seen.Add(value))
            return;
        Assert.False(value is ISymbol or SyntaxNode or SyntaxTree or Location or Compilation or SemanticModel or AttributeData, value.GetType().ToString());
        if (value is IEnumerable items)
        {
            foreach (object? item in items)
                Check(item, seen);
        }
        for (Type? type = value.GetType(); type is not null; type = type.BaseType)
        {
            foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly))
            {
                if (!field.FieldType.IsPointer && !typeof(Type).IsAssignableFrom(field.FieldType) && field.FieldType.Namespace?.StartsWith("System.Reflection", StringComparison.Ordinal) != true)
                    Check(field.GetValue(value), seen);
            }
        }
    }
}
