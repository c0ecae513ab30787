using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Serialization;
using BenchmarkDotNet.Attributes;
using Google.Protobuf;

namespace VmStateGen.Benchmarks;

/// <summary>Generated code as the runtime calls it: through the interface, with a reader or writer over a window.</summary>
internal static class Generated
{
    public static long Save(IVmState device, Span<byte> window)
    {
        var writer = new VmStateWriter(window);
        device.Save(ref writer, 1);
        return writer.BytesWritten;
    }

    public static void Load(IVmState device, ReadOnlySpan<byte> window, int version)
    {
        var reader = new VmStateReader(window);
        device.Load(ref reader, version);
    }
}

/// <summary>54 numbers in 201 bytes.</summary>
[MemoryDiagnoser]
public class ScalarBenchmarks
{
    private readonly ScalarState state = new() { R00 = 1, R10 = 2, R53 = 3 };
    private readonly byte[] bytes = new byte[256];
    private readonly byte[] copy = new byte[256];
    private readonly int size;

    public ScalarBenchmarks() => size = VmState.Save(state, bytes);

    [Benchmark(Baseline = true)]
    public void Memcpy() => bytes.AsSpan(0, size).CopyTo(copy);

    [Benchmark]
    public void HandWrittenSave() => HandWritten.Save(state, bytes);

    [Benchmark]
    public void GeneratedSave() => Generated.Save(state, bytes);

    [Benchmark]
    public void HandWrittenLoad() => HandWritten.Load(state, bytes.AsSpan(0, size));

    [Benchmark]
    public void GeneratedLoad() => Generated.Load(state, bytes.AsSpan(0, size), 1);

    [Benchmark]
    public void OneCallSave() => VmState.Save(state, bytes);

    [Benchmark]
    public void OneCallLoad() => VmState.Load(state, bytes.AsSpan(0, size));
}

/// <summary>54 numbers, a 4 KiB buffer and 256 registers: 5,321 bytes.</summary>
[MemoryDiagnoser]
public partial class FullBenchmarks
{
    private readonly FullState state = new() { R00 = 1, R10 = 2, R53 = 3 };
    private readonly byte[] bytes = new byte[8192];
    private readonly byte[] copy = new byte[8192];
    private readonly int size;
    private readonly MemoryStream stream = new(new byte[8192]);
    private readonly BinaryWriter writer;
    private readonly BinaryReader reader;
    private readonly Proto.FullState message;
    private readonly byte[] messageBytes;
    private readonly byte[] json;

    public FullBenchmarks()
    {
        new Random(1).NextBytes(state.Buffer);
        for (int i = 0; i < state.Registers.Length; i++)
            state.Registers[i] = (uint)i;
        size = VmState.Save(state, bytes);
        writer = new BinaryWriter(stream);
        reader = new BinaryReader(stream);
        message = new Proto.FullState { R00 = 1, R10 = 2, R53 = 3, Buffer = ByteString.CopyFrom(state.Buffer) };
        message.Registers.AddRange(state.Registers);
        messageBytes = message.ToByteArray();
        json = JsonSerializer.SerializeToUtf8Bytes(state, StateJsonContext.Default.FullState);
    }

    [Benchmark(Baseline = true)]
    public void Memcpy() => bytes.AsSpan(0, size).CopyTo(copy);

    [Benchmark]
    public void HandWrittenSave() => HandWritten.Save(state, bytes);

    [Benchmark]
    public void GeneratedSave() => Generated.Save(state, bytes);

    [Benchmark]
    public void HandWrittenLoad() => HandWritten.Load(state, bytes.AsSpan(0, size));

    [Benchmark]
    public void GeneratedLoad() => Generated.Load(state, bytes.AsSpan(0, size), 1);

    [Benchmark]
    public void BinaryWriterSave()
    {
        stream.Position = 0;
        BinaryWriterState.Save(state, writer);
    }

    [Benchmark]
    public void BinaryReaderLoad()
    {
        stream.Position = 0;
        BinaryWriterState.Load(state, reader);
    }

    [Benchmark]
    public void ProtobufSave() => message.WriteTo(messageBytes.AsSpan(0, message.CalculateSize()));

    [Benchmark]
    public void ProtobufLoad() => Proto.FullState.Parser.ParseFrom(messageBytes);

    [Benchmark]
    public void JsonSave() => JsonSerializer.SerializeToUtf8Bytes(state, StateJsonContext.Default.FullState);

    [Benchmark]
    public void JsonLoad() => JsonSerializer.Deserialize(json, StateJsonContext.Default.FullState);
}

/// <summary>System.Text.Json's generator.</summary>
[JsonSerializable(typeof(FullState))]
[JsonSourceGenerationOptions(IncludeFields = true)]
internal sealed partial class StateJsonContext : JsonSerializerContext;

/// <summary>A list of 1,000 small structs: 15,001 bytes.</summary>
[MemoryDiagnoser]
public class ListBenchmarks
{
    private readonly ListState state = new();
    private readonly byte[] bytes = new byte[16384];
    private readonly byte[] copy = new byte[16384];
    private readonly int size;

    public ListBenchmarks()
    {
        state.Elements.AddRange(Enumerable.Range(0, 1000).Select(i => new ListElement { Address = (ulong)i << 12, Length = 4096, Flags = 1 }));
        size = VmState.Save(state, bytes);
    }

    [Benchmark(Baseline = true)]
    public void Memcpy() => bytes.AsSpan(0, size).CopyTo(copy);

    [Benchmark]
    public void HandWrittenSave() => HandWritten.Save(state, bytes);

    [Benchmark]
    public void GeneratedSave() => Generated.Save(state, bytes);

    [Benchmark]
    public void HandWrittenLoad() => HandWritten.Load(state, bytes.AsSpan(0, size));

    [Benchmark]
    public void GeneratedLoad() => Generated.Load(state, bytes.AsSpan(0, size), 1);
}

/// <summary>A device of ten versions loaded at its first and at its current one.</summary>
[MemoryDiagnoser]
public class VersionBenchmarks
{
    private readonly VersionedState state = new();
    private readonly byte[] bytes = new byte[256];
    private readonly byte[] copy = new byte[256];
    private readonly int size;
    private readonly int firstSize;

    public VersionBenchmarks()
    {
        var writer = new VmStateWriter(bytes);
        ((IVmState)state).Save(ref writer, 1);
        firstSize = (int)writer.BytesWritten;
        size = VmState.Save(state, bytes);
    }

    [Benchmark(Baseline = true)]
    public void MemcpyOfVersion1() => bytes.AsSpan(0, firstSize).CopyTo(copy);

    [Benchmark]
    public void GeneratedLoadOfVersion1() => Generated.Load(state, bytes.AsSpan(0, firstSize), 1);

    [Benchmark]
    public void GeneratedLoadOfVersion10() => Generated.Load(state, bytes.AsSpan(0, size), 10);
}
