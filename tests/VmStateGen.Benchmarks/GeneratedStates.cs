namespace VmStateGen.Benchmarks;

/// <summary>54 numbers in 201 bytes.</summary>
[VmState("scalars")]
public sealed partial class ScalarState
{
    [Field] public uint R00;
    [Field] public byte R01;
    [Field] public ushort R02;
    [Field] public ulong R03;
    [Field] public uint R04;
    [Field] public ushort R05;
    [Field] public uint R06;
    [Field] public byte R07;
    [Field] public ulong R08;
    [Field] public uint R09;
    [Field] public byte R10;
    [Field] public ushort R11;
    [Field] public ulong R12;
    [Field] public uint R13;
    [Field] public ushort R14;
    [Field] public uint R15;
    [Field] public byte R16;
    [Field] public ulong R17;
    [Field] public uint R18;
    [Field] public byte R19;
    [Field] public ushort R20;
    [Field] public ulong R21;
    [Field] public uint R22;
    [Field] public ushort R23;
    [Field] public uint R24;
    [Field] public byte R25;
    [Field] public ulong R26;
    [Field] public uint R27;
    [Field] public byte R28;
    [Field] public ushort R29;
    [Field] public ulong R30;
    [Field] public uint R31;
    [Field] public ushort R32;
    [Field] public uint R33;
    [Field] public byte R34;
    [Field] public ulong R35;
    [Field] public uint R36;
    [Field] public byte R37;
    [Field] public ushort R38;
    [Field] public ulong R39;
    [Field] public uint R40;
    [Field] public ushort R41;
    [Field] public uint R42;
    [Field] public byte R43;
    [Field] public ulong R44;
    [Field] public uint R45;
    [Field] public byte R46;
    [Field] public ushort R47;
    [Field] public ulong R48;
    [Field] public uint R49;
    [Field] public ushort R50;
    [Field] public uint R51;
    [Field] public uint R52;
    [Field] public ushort R53;
}

/// <summary>The same and two arrays: 5,321 bytes.</summary>
[VmState("full")]
public sealed partial class FullState
{
    [Field] public uint R00;
    [Field] public byte R01;
    [Field] public ushort R02;
    [Field] public ulong R03;
    [Field] public uint R04;
    [Field] public ushort R05;
    [Field] public uint R06;
    [Field] public byte R07;
    [Field] public ulong R08;
    [Field] public uint R09;
    [Field] public byte R10;
    [Field] public ushort R11;
    [Field] public ulong R12;
    [Field] public uint R13;
    [Field] public ushort R14;
    [Field] public uint R15;
    [Field] public byte R16;
    [Field] public ulong R17;
    [Field] public uint R18;
    [Field] public byte R19;
    [Field] public ushort R20;
    [Field] public ulong R21;
    [Field] public uint R22;
    [Field] public ushort R23;
    [Field] public uint R24;
    [Field] public byte R25;
    [Field] public ulong R26;
    [Field] public uint R27;
    [Field] public byte R28;
    [Field] public ushort R29;
    [Field] public ulong R30;
    [Field] public uint R31;
    [Field] public ushort R32;
    [Field] public uint R33;
    [Field] public byte R34;
    [Field] public ulong R35;
    [Field] public uint R36;
    [Field] public byte R37;
    [Field] public ushort R38;
    [Field] public ulong R39;
    [Field] public uint R40;
    [Field] public ushort R41;
    [Field] public uint R42;
    [Field] public byte R43;
    [Field] public ulong R44;
    [Field] public uint R45;
    [Field] public byte R46;
    [Field] public ushort R47;
    [Field] public ulong R48;
    [Field] public uint R49;
    [Field] public ushort R50;
    [Field] public uint R51;
    [Field] public uint R52;
    [Field] public ushort R53;
    [Field(Length = 4096)] public readonly byte[] Buffer = new byte[4096];
    [Field(Length = 256)] public readonly uint[] Registers = new uint[256];
}
