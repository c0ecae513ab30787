using System;
using System.Buffers;
using System.Text;

namespace VmStateGen.Tests;

/// <summary>Bytes as the tests write them down, and the calls that nearly every test makes.</summary>
internal static class Wire
{
    /// <summary>The bytes of hexadecimal digits, in which spaces are for the reader.</summary>
    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    /// <summary>The header of a subsection and what follows it: 0x05, counted name, be32 version, data.</summary>
    public static string Subsection(string name, int version, string data = "") =>
        $"05 {name.Length:x2} {Convert.ToHexString(Encoding.UTF8.GetBytes(name))} {version:x8} {data} ";

    public static byte[] Saved(IVmState device)
    {
        var output = new ArrayBufferWriter<byte>();
        VmState.Save(device, output);
        return output.WrittenSpan.ToArray();
    }

    public static byte[] SavedAt(IVmState device, int version)
    {
        byte[] buffer = new byte[64 * 1024];
        var writer = new VmStateWriter(buffer);
        device.Save(ref writer, version);
        return buffer[..(int)writer.BytesWritten];
    }

    public static void AssertSaves(string hex, IVmState device) => AssertBytes(hex, Saved(device));

    public static void AssertBytes(string hex, ReadOnlySpan<byte> actual) =>
        Assert.Equal(Convert.ToHexString(Bytes(hex)), Convert.ToHexString(actual));

    public static T Loaded<T>(string hex, int? version = null)
        where T : IVmState, new() => Loaded(new T(), hex, version);

    public static T Loaded<T>(T device, string hex, int? version = null)
        where T : IVmState
    {
        object boxed = device;
        VmState.Load((IVmState)boxed, Bytes(hex), version);
        return (T)boxed;
    }

    public static VmStateException Rejects(IVmState device, string hex, int? version = null)
    {
        byte[] bytes = Bytes(hex);
        return Assert.Throws<VmStateException>(() => VmState.Load(device, bytes, version));
    }

    /// <summary>
    /// Loads the whole bytes, after nothing, all but the last one or two, and either half of them have failed (qemu-migration.md §8.1).
    /// </summary>
    public static T LoadedWholeOnly<T>(string hex, int? version = null)
        where T : IVmState, new()
    {
        byte[] bytes = Bytes(hex);
        int half = bytes.Length / 2;
        byte[][] parts = [[], bytes[..^1], bytes[..^2], bytes[..half], bytes[half..]];
        foreach (byte[] part in parts)
            Assert.Throws<VmStateException>(() => VmState.Load(new T(), part, version));
        return Loaded<T>(hex, version);
    }

    public static VmStateException RejectsSaving(IVmState device) => Assert.Throws<VmStateException>(() => Saved(device));
}
