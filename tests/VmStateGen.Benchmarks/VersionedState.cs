namespace VmStateGen.Benchmarks;

/// <summary>A device that has gained four fields in each of nine releases.</summary>
[VmState("versioned", Version = 10)]
public sealed partial class VersionedState
{
    [Field] public uint V01A;
    [Field] public ushort V01B;
    [Field] public byte V01C;
    [Field] public ulong V01D;
    [Field(Version = 2, Default = 0)] public uint V02A;
    [Field(Version = 2, Default = 0)] public ushort V02B;
    [Field(Version = 2, Default = 0)] public byte V02C;
    [Field(Version = 2, Default = 0)] public ulong V02D;
    [Field(Version = 3, Default = 0)] public uint V03A;
    [Field(Version = 3, Default = 0)] public ushort V03B;
    [Field(Version = 3, Default = 0)] public byte V03C;
    [Field(Version = 3, Default = 0)] public ulong V03D;
    [Field(Version = 4, Default = 0)] public uint V04A;
    [Field(Version = 4, Default = 0)] public ushort V04B;
    [Field(Version = 4, Default = 0)] public byte V04C;
    [Field(Version = 4, Default = 0)] public ulong V04D;
    [Field(Version = 5, Default = 0)] public uint V05A;
    [Field(Version = 5, Default = 0)] public ushort V05B;
    [Field(Version = 5, Default = 0)] public byte V05C;
    [Field(Version = 5, Default = 0)] public ulong V05D;
    [Field(Version = 6, Default = 0)] public uint V06A;
    [Field(Version = 6, Default = 0)] public ushort V06B;
    [Field(Version = 6, Default = 0)] public byte V06C;
    [Field(Version = 6, Default = 0)] public ulong V06D;
    [Field(Version = 7, Default = 0)] public uint V07A;
    [Field(Version = 7, Default = 0)] public ushort V07B;
    [Field(Version = 7, Default = 0)] public byte V07C;
    [Field(Version = 7, Default = 0)] public ulong V07D;
    [Field(Version = 8, Default = 0)] public uint V08A;
    [Field(Version = 8, Default = 0)] public ushort V08B;
    [Field(Version = 8, Default = 0)] public byte V08C;
    [Field(Version = 8, Default = 0)] public ulong V08D;
    [Field(Version = 9, Default = 0)] public uint V09A;
    [Field(Version = 9, Default = 0)] public ushort V09B;
    [Field(Version = 9, Default = 0)] public byte V09C;
    [Field(Version = 9, Default = 0)] public ulong V09D;
    [Field(Version = 10, Default = 0)] public uint V10A;
    [Field(Version = 10, Default = 0)] public ushort V10B;
    [Field(Version = 10, Default = 0)] public byte V10C;
    [Field(Version = 10, Default = 0)] public ulong V10D;
}
