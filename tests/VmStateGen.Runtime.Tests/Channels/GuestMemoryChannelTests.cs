using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;
using static VmStateGen.Runtime.Tests.Channels.ChannelFixture;

namespace VmStateGen.Runtime.Tests.Channels;

public sealed class GuestMemoryChannelTests
{
    private const int Page = 4096;
    private const int Pages = 3000;

    public static TheoryData<string> Transports => new() { "tcp", "unix", "pipe", "file" };

    [Theory]
    [MemberData(nameof(Transports))]
    public void Pages_between_headers_go_through_small_buffers_and_into_RAM(string transport)
    {
        using var memory = new GuestMemory();
        RamBlock from = memory.AddBlock("from", Pages * Page);
        RamBlock to = memory.AddBlock("to", Pages * Page * 2);
        byte[] contents = Bytes(Pages * Page);
        memory.Write(from, 0, contents);
        var (source, destination) = Open(transport);
        using (source)
        {
            // More segments than one call takes. Every other page, so that none continues the one before.
            IoVector sent = memory.CreateVector(Pages * 2, Pages * 8);
            var expected = new List<byte>();
            for (int i = 0; i < Pages; i++)
            {
                byte[] header = BitConverter.GetBytes((long)i);
                int page = i * 7 % Pages;
                sent.AddBytes(header);
                sent.AddRam(from, page * Page, Page);
                expected.AddRange(header);
                expected.AddRange(contents.AsSpan(page * Page, Page));
            }
            long length = sent.Length;
            IoVector received = memory.CreateVector(Pages);
            for (long done = 0; done < length; done += 2 * Page)
                received.AddRam(to, (done / (2 * Page) * 2 * Page), Math.Min(Page * 2, length - done));

            Task writing = Run(() =>
            {
                source.Write(sent);
                source.ShutdownWrite();
            });
            if (transport == "file")
                Done(writing);
            using Channel reader = destination();
            Task reading = Run(() => reader.ReadExactly(received));
            Done(Task.WhenAll(writing, reading));

            var got = new byte[length];
            memory.Read(to, 0, got);
            Assert.True(expected.ToArray().AsSpan().SequenceEqual(got));

            // Neither vector is used up.
            Assert.Equal((length, length), (sent.Length, received.Length));
            Assert.Equal(0, reader.Read(new byte[1]));
        }
    }

    [Fact]
    public void A_transfer_that_is_cancelled_lets_go_of_the_memory()
    {
        using var memory = new GuestMemory();
        RamBlock block = memory.AddBlock("ram", 64 << 20);
        var (source, destination) = Connect("unix");
        using (source)
        using (destination)
        {
            IoVector vector = memory.CreateVector(1);
            vector.AddRam(block, 0, 64 << 20);
            Task writing = Run(() => source.Write(vector));
            Thread.Sleep(20);
            source.Cancel();
            Assert.Equal(ChannelFault.Cancelled, Fails(writing).Fault);
            vector.Clear();

            Assert.Equal(ChannelFault.NotSupported, Assert.Throws<ChannelException>(() => ReadOnly().Write(vector)).Fault);
            vector = memory.CreateVector(1, 8);
            vector.AddBytes([1]);
            Assert.Throws<ArgumentException>(() => destination.ReadExactly(vector));
        }
    }

    private static Channel ReadOnly() => ChannelConnector.Open(new FileAddress("/dev/zero"), ChannelDirection.Incoming);

    private static (Channel Source, Func<Channel> Destination) Open(string transport)
    {
        if (transport == "pipe")
        {
            var (reader, writer) = LinuxFiles.CreatePipe();
            return (ChannelConnector.FromDescriptor(writer), () => ChannelConnector.FromDescriptor(reader));
        }
        if (transport == "file")
        {
            var address = new FileAddress(Path.Combine(NewFolder(), "f"), 100);
            return (ChannelConnector.Connect(address), () => ChannelConnector.Open(address, ChannelDirection.Incoming));
        }
        var (source, destination) = Connect(transport, new ChannelOptions { SendBufferSize = 8192, ReceiveBufferSize = 8192 });
        return (source, () => destination);
    }
}
