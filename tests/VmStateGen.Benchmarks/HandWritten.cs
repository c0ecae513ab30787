using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace VmStateGen.Benchmarks;

/// <summary>
/// What an expert writes for the states of GeneratedStates.cs and ListState.cs: safe spans, constant offsets, one length check, vectorised arrays.
/// Uses nothing of the generator.
/// </summary>
internal static class HandWritten
{
    private const int ScalarSize = 201;
    private const int FullSize = 5321;

    public static int Save(ScalarState state, Span<byte> destination)
    {
        Span<byte> run = destination.Slice(0, ScalarSize);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(0, 4), state.R00);
        run[4] = state.R01;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(5, 2), state.R02);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(7, 8), state.R03);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(15, 4), state.R04);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(19, 2), state.R05);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(21, 4), state.R06);
        run[25] = state.R07;
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(26, 8), state.R08);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(34, 4), state.R09);
        run[38] = state.R10;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(39, 2), state.R11);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(41, 8), state.R12);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(49, 4), state.R13);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(53, 2), state.R14);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(55, 4), state.R15);
        run[59] = state.R16;
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(60, 8), state.R17);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(68, 4), state.R18);
        run[72] = state.R19;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(73, 2), state.R20);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(75, 8), state.R21);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(83, 4), state.R22);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(87, 2), state.R23);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(89, 4), state.R24);
        run[93] = state.R25;
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(94, 8), state.R26);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(102, 4), state.R27);
        run[106] = state.R28;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(107, 2), state.R29);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(109, 8), state.R30);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(117, 4), state.R31);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(121, 2), state.R32);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(123, 4), state.R33);
        run[127] = state.R34;
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(128, 8), state.R35);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(136, 4), state.R36);
        run[140] = state.R37;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(141, 2), state.R38);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(143, 8), state.R39);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(151, 4), state.R40);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(155, 2), state.R41);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(157, 4), state.R42);
        run[161] = state.R43;
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(162, 8), state.R44);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(170, 4), state.R45);
        run[174] = state.R46;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(175, 2), state.R47);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(177, 8), state.R48);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(185, 4), state.R49);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(189, 2), state.R50);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(191, 4), state.R51);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(195, 4), state.R52);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(199, 2), state.R53);
        return ScalarSize;
    }

    public static void Load(ScalarState state, ReadOnlySpan<byte> source)
    {
        ReadOnlySpan<byte> run = source.Slice(0, ScalarSize);
        state.R00 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(0, 4));
        state.R01 = run[4];
        state.R02 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(5, 2));
        state.R03 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(7, 8));
        state.R04 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(15, 4));
        state.R05 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(19, 2));
        state.R06 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(21, 4));
        state.R07 = run[25];
        state.R08 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(26, 8));
        state.R09 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(34, 4));
        state.R10 = run[38];
        state.R11 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(39, 2));
        state.R12 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(41, 8));
        state.R13 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(49, 4));
        state.R14 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(53, 2));
        state.R15 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(55, 4));
        state.R16 = run[59];
        state.R17 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(60, 8));
        state.R18 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(68, 4));
        state.R19 = run[72];
        state.R20 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(73, 2));
        state.R21 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(75, 8));
        state.R22 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(83, 4));
        state.R23 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(87, 2));
        state.R24 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(89, 4));
        state.R25 = run[93];
        state.R26 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(94, 8));
        state.R27 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(102, 4));
        state.R28 = run[106];
        state.R29 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(107, 2));
        state.R30 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(109, 8));
        state.R31 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(117, 4));
        state.R32 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(121, 2));
        state.R33 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(123, 4));
        state.R34 = run[127];
        state.R35 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(128, 8));
        state.R36 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(136, 4));
        state.R37 = run[140];
        state.R38 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(141, 2));
        state.R39 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(143, 8));
        state.R40 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(151, 4));
        state.R41 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(155, 2));
        state.R42 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(157, 4));
        state.R43 = run[161];
        state.R44 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(162, 8));
        state.R45 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(170, 4));
        state.R46 = run[174];
        state.R47 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(175, 2));
        state.R48 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(177, 8));
        state.R49 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(185, 4));
        state.R50 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(189, 2));
        state.R51 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(191, 4));
        state.R52 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(195, 4));
        state.R53 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(199, 2));
    }

    public static int Save(FullState state, Span<byte> destination)
    {
        Span<byte> run = destination.Slice(0, FullSize);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(0, 4), state.R00);
        run[4] = state.R01;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(5, 2), state.R02);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(7, 8), state.R03);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(15, 4), state.R04);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(19, 2), state.R05);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(21, 4), state.R06);
        run[25] = state.R07;
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(26, 8), state.R08);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(34, 4), state.R09);
        run[38] = state.R10;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(39, 2), state.R11);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(41, 8), state.R12);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(49, 4), state.R13);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(53, 2), state.R14);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(55, 4), state.R15);
        run[59] = state.R16;
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(60, 8), state.R17);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(68, 4), state.R18);
        run[72] = state.R19;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(73, 2), state.R20);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(75, 8), state.R21);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(83, 4), state.R22);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(87, 2), state.R23);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(89, 4), state.R24);
        run[93] = state.R25;
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(94, 8), state.R26);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(102, 4), state.R27);
        run[106] = state.R28;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(107, 2), state.R29);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(109, 8), state.R30);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(117, 4), state.R31);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(121, 2), state.R32);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(123, 4), state.R33);
        run[127] = state.R34;
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(128, 8), state.R35);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(136, 4), state.R36);
        run[140] = state.R37;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(141, 2), state.R38);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(143, 8), state.R39);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(151, 4), state.R40);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(155, 2), state.R41);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(157, 4), state.R42);
        run[161] = state.R43;
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(162, 8), state.R44);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(170, 4), state.R45);
        run[174] = state.R46;
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(175, 2), state.R47);
        BinaryPrimitives.WriteUInt64BigEndian(run.Slice(177, 8), state.R48);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(185, 4), state.R49);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(189, 2), state.R50);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(191, 4), state.R51);
        BinaryPrimitives.WriteUInt32BigEndian(run.Slice(195, 4), state.R52);
        BinaryPrimitives.WriteUInt16BigEndian(run.Slice(199, 2), state.R53);
        state.Buffer.AsSpan().CopyTo(run.Slice(201, 4096));
        BinaryPrimitives.ReverseEndianness(state.Registers.AsSpan(), MemoryMarshal.Cast<byte, uint>(run.Slice(4297, 1024)));
        return FullSize;
    }

    public static void Load(FullState state, ReadOnlySpan<byte> source)
    {
        ReadOnlySpan<byte> run = source.Slice(0, FullSize);
        state.R00 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(0, 4));
        state.R01 = run[4];
        state.R02 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(5, 2));
        state.R03 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(7, 8));
        state.R04 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(15, 4));
        state.R05 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(19, 2));
        state.R06 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(21, 4));
        state.R07 = run[25];
        state.R08 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(26, 8));
        state.R09 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(34, 4));
        state.R10 = run[38];
        state.R11 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(39, 2));
        state.R12 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(41, 8));
        state.R13 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(49, 4));
        state.R14 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(53, 2));
        state.R15 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(55, 4));
        state.R16 = run[59];
        state.R17 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(60, 8));
        state.R18 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(68, 4));
        state.R19 = run[72];
        state.R20 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(73, 2));
        state.R21 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(75, 8));
        state.R22 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(83, 4));
        state.R23 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(87, 2));
        state.R24 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(89, 4));
        state.R25 = run[93];
        state.R26 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(94, 8));
        state.R27 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(102, 4));
        state.R28 = run[106];
        state.R29 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(107, 2));
        state.R30 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(109, 8));
        state.R31 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(117, 4));
        state.R32 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(121, 2));
        state.R33 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(123, 4));
        state.R34 = run[127];
        state.R35 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(128, 8));
        state.R36 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(136, 4));
        state.R37 = run[140];
        state.R38 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(141, 2));
        state.R39 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(143, 8));
        state.R40 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(151, 4));
        state.R41 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(155, 2));
        state.R42 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(157, 4));
        state.R43 = run[161];
        state.R44 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(162, 8));
        state.R45 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(170, 4));
        state.R46 = run[174];
        state.R47 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(175, 2));
        state.R48 = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(177, 8));
        state.R49 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(185, 4));
        state.R50 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(189, 2));
        state.R51 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(191, 4));
        state.R52 = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(195, 4));
        state.R53 = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(199, 2));
        run.Slice(201, 4096).CopyTo(state.Buffer);
        BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, uint>(run.Slice(4297, 1024)), state.Registers.AsSpan());
    }

    public static int Save(ListState state, Span<byte> destination)
    {
        int at = 0;
        foreach (ref ListElement element in CollectionsMarshal.AsSpan(state.Elements))
        {
            Span<byte> run = destination.Slice(at, 15);
            run[0] = 1;
            BinaryPrimitives.WriteUInt64BigEndian(run.Slice(1, 8), element.Address);
            BinaryPrimitives.WriteUInt32BigEndian(run.Slice(9, 4), element.Length);
            BinaryPrimitives.WriteUInt16BigEndian(run.Slice(13, 2), element.Flags);
            at += 15;
        }
        destination[at] = 0;
        return at + 1;
    }

    public static void Load(ListState state, ReadOnlySpan<byte> source)
    {
        List<ListElement> elements = state.Elements;
        int count = 0;
        int at = 0;
        for (; source[at] == 1; count++)
        {
            ReadOnlySpan<byte> run = source.Slice(at, 15);
            if (count == ListState.Most)
                throw new InvalidOperationException("too many elements");
            if (count == elements.Count)
                elements.Add(default);
            ref ListElement element = ref CollectionsMarshal.AsSpan(elements)[count];
            element.Address = BinaryPrimitives.ReadUInt64BigEndian(run.Slice(1, 8));
            element.Length = BinaryPrimitives.ReadUInt32BigEndian(run.Slice(9, 4));
            element.Flags = BinaryPrimitives.ReadUInt16BigEndian(run.Slice(13, 2));
            at += 15;
        }
        if (source[at] != 0)
            throw new InvalidOperationException("no marker");
        if (elements.Count > count)
            elements.RemoveRange(count, elements.Count - count);
    }
}
