namespace VmStateGen.Generator.Tests;

/// <summary>What is generated, to the letter.</summary>
public class SnapshotTests
{
    [Fact]
    public void Scalars() => Verify(Sources.Scalars);

    [Fact]
    public void Versions() => Verify(Sources.Versions);

    [Fact]
    public void Arrays() => Verify(Sources.Arrays);

    [Fact]
    public void Nested() => Verify(Sources.Nested);

    [Fact]
    public void Subsections() => Verify(Sources.Subsections);

    [Fact]
    public void Hooks() => Verify(Sources.Hooks);

    [Fact]
    public void Shapes() => Verify(Sources.Shapes);

    [Fact]
    public void Collections() => Verify(Sources.Collections);

    [Fact]
    public void References() => Verify(Sources.References);

    [Fact]
    public void Opaque() => Verify(Sources.Opaque);

    [Fact]
    public void Descriptors() => Verify(Sources.Descriptors);

    private static void Verify(string source, [System.Runtime.CompilerServices.CallerMemberName] string test = "") =>
        Snapshot.Verify(nameof(SnapshotTests), GeneratorRun.Of(source).Texts, test);
}
