namespace VmStateGen.Package.Tests;

/// <summary>What the consumers' projects are made of.</summary>
internal static class Devices
{
    public const string Console = "<OutputType>Exe</OutputType> <TargetFramework>net10.0</TargetFramework> <Nullable>enable</Nullable>";

    /// <summary>As strict as an author may be.</summary>
    public const string Strict = "<TreatWarningsAsErrors>true</TreatWarningsAsErrors> <AnalysisLevel>latest</AnalysisLevel>" + WithoutBaseline;

    /// <summary>Nothing that the tests save is migrated from one build to another.</summary>
    public const string WithoutBaseline = "<NoWarn>$(NoWarn);VMS303</NoWarn>";

    /// <summary>A section with nested state, public for other projects. C# 12, and the same with nullable on or off.</summary>
    public const string Uart = """
        using VmStateGen;

        namespace Acme;

        /// <summary>A queue.</summary>
        [VmState]
        public partial struct Fifo
        {
            [Field] private byte count;
            [Field(CountFrom = nameof(count), Max = 16)] private byte[] data;

            /// <summary>Appends.</summary>
            public void Push(byte value)
            {
                data ??= new byte[16];
                data[count++] = value;
            }
        }

        /// <summary>A serial port.</summary>
        [VmState("uart", Version = 2)]
        public sealed partial class Uart
        {
            [Field] private ushort divider = 12;
            [Field(Version = 2)] private byte control;
            [Field] private Fifo fifo;

            /// <summary>Does something that a guest sees.</summary>
            public void Write(byte value)
            {
                control |= 0x80;
                divider++;
                fifo.Push(value);
            }
        }
        """;

    /// <summary>Bytes of a <see cref="Uart"/> after one Write(0x41).</summary>
    public const string UartBytes = "000D80" + "0141";

    /// <summary>Saves, loads, saves again, prints.</summary>
    public static string RoundTrip(string device, string write) => $$"""
        using System;
        using VmStateGen;

        var device = new {{device}}();
        {{write}};
        byte[] saved = Save(device);
        var copy = new {{device}}();
        VmState.Load(copy, saved);
        Console.WriteLine($"{Convert.ToHexString(saved)} {Convert.ToHexString(Save(copy))}");

        static byte[] Save(IVmState device)
        {
            byte[] bytes = new byte[VmState.MaxSize(device)];
            return bytes[..VmState.Save(device, bytes)];
        }
        """;
}
