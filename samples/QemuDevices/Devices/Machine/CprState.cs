using System;
using System.Collections.Generic;
using Microsoft.Win32.SafeHandles;
using VmStateGen;

namespace QemuDevices;

/// <summary>
/// What a QEMU that hands its open files to its successor (mode cpr-transfer, since 10.0) sends over a unix socket of its own before the
/// migration: be32 "QCPR", be32 1, and this state, which is no section (qemu-migration.md §5.18).
/// </summary>
[VmState("CprState", Nested = true)]
public sealed partial class CprState
{
    /// <summary>The files, in the order of the stream.</summary>
    [Field(Max = 1024, ElementVersion = 1)] public List<CprFile> Fds { get; set; } = [];
}

/// <summary>An open file of QEMU's, such as the memory of its guest.</summary>
[VmState("cpr fd", Nested = true)]
public sealed partial class CprFile
{
    [Field("namelen")] private uint nameLength;
    [Field(CountFrom = nameof(nameLength), Max = 4096)] private byte[] name = [];
    [Field] private int id;
    [Field] private SafeFileHandle? fd;

    /// <summary>Whose it is; QEMU sends it with a zero at its end.</summary>
    public string Name => System.Text.Encoding.UTF8.GetString(name.AsSpan(0, (int)nameLength)).TrimEnd('\0');

    /// <summary>Tells files of one name apart.</summary>
    public int Id => id;

    /// <summary>The file.</summary>
    public SafeFileHandle? File => fd;
}
