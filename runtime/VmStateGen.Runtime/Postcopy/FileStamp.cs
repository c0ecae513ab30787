using System;
using System.IO;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>
/// Tells whether a file is still the one that something was learnt of: its size, the time of its last change, and a checksum of samples, for
/// a copy over it can have the same size and time.
/// </summary>
internal readonly record struct FileStamp(long Length, long ChangedTicks, uint Fingerprint)
{
    private const int Samples = 64;
    private const int SampleSize = 4096;

    public static FileStamp Of(SafeFileHandle file)
    {
        var length = RandomAccess.GetLength(file);
        var sample = new byte[SampleSize];
        var crc = ~0u;
        for (var i = 0; i < Samples; i++)
        {
            // The first and the last bytes are among them.
            var at = (long)((UInt128)(ulong)Math.Max(0, length - SampleSize) * (ulong)i / (Samples - 1));
            crc = Checksum.Add(crc, sample.AsSpan(0, RandomAccess.Read(file, sample, at)));
        }
        return new FileStamp(length, File.GetLastWriteTimeUtc(file).Ticks, ~crc);
    }
}

/// <summary>CRC-32C, by the processor's instruction.</summary>
internal static class Checksum
{
    public static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BitConverter.ToUInt64(bytes));
            bytes = bytes[8..];
        }
        foreach (var one in bytes)
            crc = BitOperations.Crc32C(crc, one);
        return crc;
    }
}
