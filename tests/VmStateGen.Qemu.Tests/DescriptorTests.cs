using System;
using System.Buffers.Binary;
using System.IO;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using QemuDevices;
using VmStateGen.Runtime.Channels;
using Xunit.Abstractions;

namespace VmStateGen.Qemu.Tests;

/// <summary>
/// File descriptors in state, from and to a real QEMU: in mode cpr-transfer (since 10.0) a source hands the memory of its guest to its successor
/// as an open file. What it sends is loaded by our annotations, and what they save is loaded by the successor.
/// </summary>
public sealed class DescriptorTests(ITestOutputHelper output)
{
    private const uint Magic = 0x51435052; // QCPR

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [SkippableFact]
    public async Task Open_files_go_from_QEMU_through_our_state_to_QEMU()
    {
        var installation = TestQemu.Require("10.0");
        var folder = Directory.CreateTempSubdirectory("vmsg-cpr-");
        try
        {
            string ours = Path.Combine(folder.FullName, "ours"), theirs = Path.Combine(folder.FullName, "theirs"), main = Path.Combine(folder.FullName, "main");
            var options = new QemuOptions
            {
                Guest = new CountingGuest(),
                Arguments = ["-object", "memory-backend-memfd,id=ram0,size=64M,share=on", "-machine", "memory-backend=ram0,aux-ram-share=on"],
            };
            using var listener = ChannelListener.Listen(new UnixAddress(ours), new ChannelOptions { AcceptDescriptors = true });
            await using var source = await QemuProcess.StartAsync(installation, options);
            ulong count = await CountingGuest.WaitForCountAsync(source, (ulong)options.Guest.Pages);
            await source.SetMigrationParametersAsync(new JsonObject { ["mode"] = "cpr-transfer" });
            await source.ExecuteAsync("migrate", new JsonObject { ["channels"] = new JsonArray(UnixChannel("main", main), UnixChannel("cpr", ours)) });
            using var fromSource = await Task.Run(() => listener.Accept(Patience));

            var reader = new VmStateReader(new ChannelInput(fromSource));
            Assert.Equal((Magic, 1u), (UInt32(ref reader), UInt32(ref reader)));
            var state = new CprState();
            ((IVmState)state).Load(ref reader, 1);
            reader.Complete();
            Assert.Equal(0, fromSource.Read(new byte[1]));
            foreach (var file in state.Fds)
                output.WriteLine($"{file.Name}/{file.Id}: {RandomAccess.GetLength(file.File!)} bytes");
            Assert.Contains(state.Fds, file => file.Name == "ram0" && RandomAccess.GetLength(file.File!) == 64 << 20);

            // The successor comes up only once it has the files: QEMU reads this channel before it opens its monitor.
            var successor = QemuProcess.StartAsync(installation, options with
            {
                Arguments = [.. options.Arguments, "-incoming", $"unix:{main}", "-incoming", UnixChannel("cpr", theirs).ToJsonString()],
            });
            using (var toSuccessor = await Task.Run(() => ChannelConnector.Connect(new UnixAddress(theirs), new ConnectOptions { Retry = true, Timeout = Patience })))
            {
                var sink = new ChannelOutput(toSuccessor);
                var writer = new VmStateWriter(sink);
                WriteHeader(ref writer);
                ((IVmState)state).Save(ref writer, 1);
                writer.Complete();
                Assert.Equal(fromSource.BytesRead, toSuccessor.BytesWritten);

                // As the source did: QEMU looks for a subsection behind the state, and closes when it has seen the end.
                toSuccessor.ShutdownWrite();
                Assert.Equal(0, await Task.Run(() => toSuccessor.Read(new byte[1])));
            }

            // The source goes on with the migration when this connection ends.
            fromSource.Dispose();
            await using var destination = await successor;
            await source.WaitForMigrationAsync();
            await destination.WaitForRunStateAsync("running");
            await CountingGuest.WaitForCountAsync(destination, count + 1000);
            AssertGuest.IsWhole(await options.Guest.FindDamageAsync(destination));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static JsonObject UnixChannel(string type, string path) => new()
    {
        ["channel-type"] = type,
        ["addr"] = new JsonObject { ["transport"] = "socket", ["type"] = "unix", ["path"] = path },
    };

    private static uint UInt32(ref VmStateReader reader) => BinaryPrimitives.ReadUInt32BigEndian(reader.Run(4, "header:4"u8));

    private static void WriteHeader(ref VmStateWriter writer)
    {
        var header = writer.Run(8);
        BinaryPrimitives.WriteUInt32BigEndian(header, Magic);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], 1);
    }

    /// <summary>State outside of a stream, straight from a channel: no byte is read that the state does not have.</summary>
    private sealed class ChannelInput(Channel channel) : VmStateInput
    {
        private readonly byte[] window = new byte[VmStateWriter.MaxRun];
        private int start;
        private int end;

        public override ReadOnlySpan<byte> Advance(int consumed, int size)
        {
            start += consumed;
            window.AsSpan(start, end - start).CopyTo(window);
            (start, end) = (0, end - start);
            while (end < size && channel.Read(window.AsSpan(end, size - end)) is > 0 and var count)
                end += count;
            return window.AsSpan(0, end);
        }

        public override SafeFileHandle? TakeDescriptor() => channel.TryTakeDescriptor(out var descriptor) ? descriptor : null;
    }

    private sealed class ChannelOutput(Channel channel) : VmStateOutput
    {
        private readonly byte[] window = new byte[VmStateWriter.MaxRun];

        public override Span<byte> Advance(int written, int size)
        {
            channel.Write(window.AsSpan(0, written));
            return window;
        }

        public override bool TryPassDescriptor(byte payload, SafeHandle descriptor)
        {
            channel.SendDescriptor(descriptor, payload);
            return true;
        }
    }
}
