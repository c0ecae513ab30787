using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using VmStateGen.Qemu;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>A way to bring devices of a real QEMU into a state worth saving.</summary>
public sealed partial record Scene
{
    public required string Name { get; init; }

    private const byte SubsectionMark = 0x05;

    /// <summary>Machine type.</summary>
    public string Machine { get; init; } = "pc";

    /// <summary>Further arguments; <c>{folder}</c> is one of the scene's own.</summary>
    public string[] Arguments { get; init; } = [];

    /// <summary>The network: none, so that no host is involved, or <c>user</c> with the machine's default card.</summary>
    public string Nic { get; init; } = "none";

    /// <summary><c>kvm</c> for what only that has; the scene is not played where it does not work.</summary>
    public string Accelerator { get; init; } = "tcg";

    /// <summary>QEMUs that it can be played on.</summary>
    public string[] Versions { get; init; } = [.. QemuInstallation.Versions];

    /// <summary>What the guest does before it stops.</summary>
    public PortProgram Program { get; init; } = new();

    /// <summary>Names of the state that is taken from the stream.</summary>
    public required string[] Devices { get; init; }

    /// <summary>Subsections that must be in it: what the scene is for.</summary>
    public string[] Subsections { get; init; } = [];

    /// <summary>Something is connected to the socket <c>{folder}/line</c> and never reads.</summary>
    public bool HasDeafPeer { get; init; }

    /// <summary>The run state that the machine is left in: by the program, or by an error of a drive.</summary>
    public string StoppedState { get; init; } = PortProgram.StoppedState;

    /// <summary>A change to what was saved, which a second QEMU then loads and saves again.</summary>
    public Func<DeviceSection, DeviceSection>? Edit { get; init; }

    public override string ToString() => Name;

    /// <summary>Plays it, and returns the sections.</summary>
    public async Task<List<DeviceSection>> PlayAsync(QemuInstallation installation)
    {
        string folder = Directory.CreateTempSubdirectory("vmsg-scene-").FullName;
        try
        {
            string file = Path.Combine(folder, "saved");
            await File.WriteAllBytesAsync(Path.Combine(folder, "disk"), Program.Disk());
            await File.WriteAllBytesAsync(Path.Combine(folder, "floppy"), new byte[2880 * 512]);
            QemuOptions options = Options(folder);
            await using (QemuProcess qemu = await QemuProcess.StartAsync(installation, options with { Paused = true }))
            {
                using Socket? peer = HasDeafPeer ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : null;
                if (peer is not null)
                    await peer.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(folder, "line")));
                await qemu.ExecuteAsync("cont");
                await qemu.WaitForRunStateAsync(StoppedState);
                await qemu.SaveToFileAsync(file);
            }
            if (Edit is null)
                return StreamFile.ReadSections(file, Devices);

            IEnumerable<DeviceSection> edited = StreamFile.ReadSections(file, Devices).Select(Edit);
            return await ReloadAsync(installation, options, file, edited, Devices);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Plays it, lets a second QEMU load what <paramref name="change"/> makes of the sections, and returns what that one saves.</summary>
    public Task<List<DeviceSection>> PlayAsync(QemuInstallation installation, Func<DeviceSection, DeviceSection> change) =>
        (this with { Edit = change }).PlayAsync(installation);

    private static async Task<List<DeviceSection>> ReloadAsync(
        QemuInstallation installation, QemuOptions options, string file, IEnumerable<DeviceSection> sections, string[] devices)
    {
        StreamFile.Replace(file, file + ".edited", sections);
        await using QemuProcess qemu = await QemuProcess.StartAsync(installation, options with { Incoming = true, Paused = true });
        await qemu.LoadAsync(file + ".edited");
        await qemu.SaveToFileAsync(file + ".again");
        return StreamFile.ReadSections(file + ".again", devices);
    }

    private QemuOptions Options(string folder) => new()
    {
        Machine = Machine,
        MemoryMiB = 16,
        Accelerator = Accelerator,
        Arguments =
        [
            .. PortProgram.Arguments,
            "-drive", $"file={folder}/disk,format=raw,if=ide",
            "-nic", Nic,
            .. Arguments.Select(argument => argument.Replace("{folder}", folder, StringComparison.Ordinal)),
        ],
    };

    /// <summary>One with a 3 in every eighth byte, so that none of its numbers of 64 bits is at its default.</summary>
    private static byte[] Filled(string name, int version, int size)
    {
        byte[] data = new byte[size];
        for (int i = size - 1; i >= 0; i -= 8)
            data[i] = 3;
        return Subsection(name, version, data);
    }

    /// <summary>The section with something more behind a struct in it: subsections of that struct. What is further back must be done first.</summary>
    private static DeviceSection Insert(DeviceSection section, DeviceSection original, string path, byte[] subsection)
    {
        VmDescriptionSpan last = VmDescriptionFields.Spans(original.Parsed, original.Data).Last(span => span.Path.StartsWith(path + "/", StringComparison.Ordinal));
        int at = (int)last.Offset + last.Size;
        return section with { Data = [.. section.Data[..at], .. subsection, .. section.Data[at..]] };
    }

    private static byte[] Subsection(string name, int version, params ReadOnlySpan<byte> data)
    {
        byte[] bytes = new byte[6 + name.Length + data.Length];
        bytes[0] = SubsectionMark;
        bytes[1] = (byte)name.Length;
        Encoding.ASCII.GetBytes(name, bytes.AsSpan(2));
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(2 + name.Length), version);
        data.CopyTo(bytes.AsSpan(6 + name.Length));
        return bytes;
    }
}
