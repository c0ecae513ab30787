using System;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Tests;

/// <summary>Whatever the bytes, a command ends with 0 or 1: no other exception, no hang, no memory out of proportion.</summary>
public sealed class DamageTests : FolderTest
{
    private const int Rounds = 2000;
    private const long MaxAllocated = 64 << 20;

    /// <summary>Each damage is shown to one of the commands, in turns.</summary>
    private string[][] Commands =>
    [
        ["inspect", PathOf("bad")],
        ["inspect", PathOf("bad"), "--json", "--ram"],
        ["diff", PathOf("good"), PathOf("bad"), "--pages"],
        ["scaffold", PathOf("bad"), "--device", "dev#1"],
        ["extract", PathOf("bad"), "--ram", "pc.ram", "-o", PathOf("ram")],
        ["convert", PathOf("bad"), PathOf("converted"), "--to", "plain"],
        ["convert", PathOf("bad"), PathOf("converted"), "--to", "mapped-ram"],
    ];

    [Theory]
    [InlineData("plain")]
    [InlineData("mapped-ram")]
    [InlineData("no trailer")]
    public void Random_damage_ends_with_0_or_1(string format)
    {
        byte[] good = ToolStream.Make(trailer: format != "no trailer");
        if (format == "mapped-ram")
        {
            var mapped = new MemoryStream();
            QemuStreamConverter.Convert(new MemoryStream(good), mapped, RamLayout.MappedRam);
            good = mapped.ToArray();
        }
        Write("good", good);
        // Inside a page, and in the gap before the pages of a mapped-ram file, one place is as good as another.
        int[] interesting = [.. Enumerable.Range(0, good.Length).Where(i => i % 199 == 0 || good.AsSpan(Math.Max(0, i - 8), Math.Min(16, good.Length - i)).IndexOfAnyExcept(good[i]) >= 0)];
        string[][] commands = Commands;
        var random = new Random(7);
        for (int round = 0; round < Rounds; round++)
        {
            Write("bad", Damage(good, interesting, random));
            string[] command = commands[round % commands.Length];
            long before = GC.GetAllocatedBytesForCurrentThread();
            (int code, _, string errors) = Cli.Run(command);
            Assert.True(code is 0 or 1, $"round {round}, {string.Join(' ', command)}: {code} {errors}");
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxAllocated);
        }
    }

    /// <summary>One to three places are changed, or one is where the stream ends.</summary>
    private static byte[] Damage(byte[] good, int[] interesting, Random random)
    {
        byte[] stream = (byte[])good.Clone();
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = Math.Min(interesting[random.Next(interesting.Length)], stream.Length - 1);
            switch (random.Next(8))
            {
                case 0:
                    return stream[..at];
                case < 4:
                    stream[at] ^= (byte)(1 << random.Next(8));
                    break;
                case < 6:
                    stream[at] = (byte)random.Next(256);
                    break;
                default:
                    stream.AsSpan(at, Math.Min(8, stream.Length - at)).Fill(0xFF);
                    break;
            }
        }
        return stream;
    }
}
