using System.Buffers.Binary;
using System.IO;

namespace VmStateGen.Benchmarks;

/// <summary>The same bytes through BinaryWriter and BinaryReader.</summary>
internal static class BinaryWriterState
{
    public static void Save(FullState state, BinaryWriter writer)
    {
        Scalars(state, writer);
        writer.Write(state.Buffer);
        foreach (uint register in state.Registers)
            writer.Write(BinaryPrimitives.ReverseEndianness(register));
    }

    public static void Load(FullState state, BinaryReader reader)
    {
        Scalars(state, reader);
        reader.BaseStream.ReadExactly(state.Buffer);
        for (int i = 0; i < state.Registers.Length; i++)
            state.Registers[i] = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
    }

    private static void Scalars(FullState state, BinaryWriter writer)
    {
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R00));
        writer.Write(state.R01);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R02));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R03));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R04));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R05));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R06));
        writer.Write(state.R07);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R08));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R09));
        writer.Write(state.R10);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R11));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R12));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R13));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R14));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R15));
        writer.Write(state.R16);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R17));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R18));
        writer.Write(state.R19);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R20));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R21));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R22));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R23));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R24));
        writer.Write(state.R25);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R26));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R27));
        writer.Write(state.R28);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R29));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R30));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R31));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R32));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R33));
        writer.Write(state.R34);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R35));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R36));
        writer.Write(state.R37);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R38));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R39));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R40));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R41));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R42));
        writer.Write(state.R43);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R44));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R45));
        writer.Write(state.R46);
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R47));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R48));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R49));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R50));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R51));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R52));
        writer.Write(BinaryPrimitives.ReverseEndianness(state.R53));
    }

    private static void Scalars(FullState state, BinaryReader reader)
    {
        state.R00 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R01 = reader.ReadByte();
        state.R02 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R03 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R04 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R05 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R06 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R07 = reader.ReadByte();
        state.R08 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R09 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R10 = reader.ReadByte();
        state.R11 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R12 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R13 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R14 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R15 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R16 = reader.ReadByte();
        state.R17 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R18 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R19 = reader.ReadByte();
        state.R20 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R21 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R22 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R23 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R24 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R25 = reader.ReadByte();
        state.R26 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R27 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R28 = reader.ReadByte();
        state.R29 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R30 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R31 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R32 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R33 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R34 = reader.ReadByte();
        state.R35 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R36 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R37 = reader.ReadByte();
        state.R38 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R39 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R40 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R41 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R42 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R43 = reader.ReadByte();
        state.R44 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R45 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R46 = reader.ReadByte();
        state.R47 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R48 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt64());
        state.R49 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R50 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
        state.R51 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R52 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt32());
        state.R53 = BinaryPrimitives.ReverseEndianness(reader.ReadUInt16());
    }
}
