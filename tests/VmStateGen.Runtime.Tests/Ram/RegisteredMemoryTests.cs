using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Tests.Linux;
using VmStateGen.Runtime.Tests.Postcopy;

namespace VmStateGen.Runtime.Tests.Ram;

/// <summary>What managed code does with memory that userfaultfd holds, while the garbage collector runs all the time.</summary>
public sealed class RegisteredMemoryTests : IDisposable
{
    private const int Page = 4096;
    private const int Pages = 256;
    private readonly GuestMemory memory = new();
    private readonly RamBlock ram;

    public RegisteredMemoryTests()
        => ram = memory.AddBlock("ram", Pages * Page, new RamBlockOptions { UseTransparentHugePages = false });

    public void Dispose() => memory.Dispose();

    [Fact]
    public void A_registered_range_is_not_lent_out_and_all_else_works()
    {
        using (memory.RegisterFaults(ram, 4 * Page, 2 * Page))
        {
            foreach (var (offset, length) in new[] { (4 * Page, 1), (6 * Page - 1, 1), (0, Pages * Page), (4 * Page - 1, 2), (6 * Page - 1, 2) })
            {
                var e = Assert.Throws<InvalidOperationException>(() => memory.Access(ram, offset, length, 0, static (_, _) => 0));
                Assert.Contains("ram: part of 0x", e.Message, StringComparison.Ordinal);
                Assert.Throws<InvalidOperationException>(() => memory.AccessForWrite(ram, offset, length, 0, static (_, _) => 0));
            }
            Assert.Equal(1, memory.Access(ram, 4 * Page - 1, 1, 0, static (bytes, _) => bytes.Length));
            Assert.Equal(1, memory.Access(ram, 6 * Page, 1, 0, static (bytes, _) => bytes.Length));
            Assert.True(memory.IsZero(ram, 0, Pages * Page));
            memory.Write(ram, 5 * Page, [1]);
            Assert.False(memory.IsZero(ram, 0, Pages * Page));
            memory.Read(ram, 5 * Page, new byte[1]);
            Assert.Throws<InvalidOperationException>(() => memory.Resize(ram, Page));
            Assert.Throws<InvalidOperationException>(() => memory.RemoveBlock(ram));

            // Two registrations of a range: both must end.
            using (memory.RegisterFaults(ram, 0, 8 * Page))
                Assert.Throws<InvalidOperationException>(() => memory.Access(ram, 0, 1, 0, static (_, _) => 0));
            Assert.Equal(1, memory.Access(ram, 0, 1, 0, static (bytes, _) => bytes.Length));
            Assert.Throws<InvalidOperationException>(() => memory.Access(ram, 5 * Page, 1, 0, static (_, _) => 0));
        }
        Assert.Equal(1, memory.Access(ram, 5 * Page, 1, 0, static (bytes, _) => (int)bytes[0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.RegisterFaults(ram, 1, Page));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.RegisterFaults(ram, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.RegisterFaults(ram, 0, (Pages + 1) * Page));
    }

    [Fact]
    public void Registering_within_Access_is_refused_and_nesting_is_not()
    {
        memory.Access(ram, 0, 1, (memory, ram), static (_, state) =>
        {
            Assert.Throws<InvalidOperationException>(() => state.memory.RegisterFaults(state.ram, 0, Page));
            return state.memory.AccessForWrite(state.ram, 0, 1, 0, static (bytes, _) => bytes[0] = 1);
        });
        Assert.Throws<InvalidTimeZoneException>(() => memory.Access<int, int>(ram, 0, 1, 0, static (_, _) => throw new InvalidTimeZoneException()));
        memory.RegisterFaults(ram, 0, Page).Dispose();
    }

    [Fact]
    public void Registering_waits_for_every_span_and_no_span_is_lent_afterwards()
    {
        // "registered" is set only between RegisterFaults and Dispose, so a callback that sees it set was lent what it must not have.
        var isDone = false;
        var state = new Shared();
        var readers = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            while (!Volatile.Read(ref isDone))
            {
                try
                {
                    memory.Access(ram, 0, Page, (state, memory, ram), static (_, all) =>
                    {
                        Interlocked.Increment(ref all.state.Lent);
                        var wrong = Volatile.Read(ref all.state.IsRegistered);
                        all.memory.Access(all.ram, Page, 1, 0, static (_, _) => 0);
                        wrong |= Volatile.Read(ref all.state.IsRegistered);
                        if (wrong)
                            Interlocked.Increment(ref all.state.Wrong);
                        return 0;
                    });
                }
                catch (InvalidOperationException)
                {
                    Interlocked.Increment(ref state.Refused);
                }
            }
        })).ToArray();
        foreach (var reader in readers)
            reader.Start();
        while (Volatile.Read(ref state.Lent) == 0)
            Thread.Yield();
        for (var i = 0; i < 300; i++)
        {
            using var registration = memory.RegisterFaults(ram, 0, Page);
            Volatile.Write(ref state.IsRegistered, true);
            Thread.Yield();
            Volatile.Write(ref state.IsRegistered, false);
        }
        using (memory.RegisterFaults(ram, 0, Page))
        {
            while (Volatile.Read(ref state.Refused) == 0)
                Thread.Yield();
        }
        Volatile.Write(ref isDone, true);
        foreach (var reader in readers)
            reader.Join();
        Assert.Equal(0, state.Wrong);
    }

    [SkippableFact]
    public async Task Threads_wait_for_missing_pages_while_the_collector_runs()
    {
        UserFaultAbiTests.SkipWithout(UserFaultFeatures.EventRemove | UserFaultFeatures.ThreadId);
        using var watchdog = new Watchdog();
        using var collector = new Collector();
        var source = new ThreadedSource(collector.WaitForAnother);
        using var pager = new Pager(memory, [ram], source);
        try
        {
            // A page is placed only after a whole collection has run while its reader waits: in managed code that reader would stop it.
            pager.Start();
            source.Answer(pager, channels: 1);

            // Quarters: Read, IsZero, Write, and the kernel through a vector. Each page is missing when it is first touched.
            var bytes = new byte[8];
            var reading = Task.Factory.StartNew(
                () =>
                {
                    for (var page = 0; page < Pages / 4; page++)
                    {
                        memory.Read(ram, (long)page * Page, bytes);
                        Assert.Equal(Head(page), bytes);
                    }
                },
                TaskCreationOptions.LongRunning);
            var asking = Task.Factory.StartNew(
                () =>
                {
                    for (var page = Pages / 4; page < Pages / 2; page++)
                        Assert.Equal(Blocks.IsZero((long)page * Page, Page), memory.IsZero(ram, (long)page * Page, Page));
                },
                TaskCreationOptions.LongRunning);
            var writing = Task.Factory.StartNew(
                () =>
                {
                    for (var page = Pages / 2; page < Pages * 3 / 4; page++)
                        memory.Write(ram, (long)page * Page, [0xff]);
                },
                TaskCreationOptions.LongRunning);
            var (reader, writer) = LinuxFiles.CreatePipe();
            using var receiver = ChannelConnector.FromDescriptor(reader);
            using var sender = ChannelConnector.FromDescriptor(writer);
            var sending = Task.Factory.StartNew(
                () =>
                {
                    var vector = memory.CreateVector(1);
                    vector.AddRam(ram, Pages * 3 / 4 * Page, Pages / 4 * Page);
                    sender.Write(vector);
                },
                TaskCreationOptions.LongRunning);
            var received = new byte[Pages / 4 * Page];
            await Task.Factory.StartNew(() => receiver.ReadExactly(received), TaskCreationOptions.LongRunning);
            await Task.WhenAll(reading, asking, writing, sending);

            // A reader goes on before the pager has counted its page.
            Assert.True(pager.WaitUntilResident(TimeSpan.FromSeconds(30)));
            for (var page = 0; page < Pages / 4; page++)
                Assert.Equal(Head(Pages * 3 / 4 + page), received.AsSpan(page * Page, 8));
        }
        finally
        {
            source.Dispose();
        }

        // The pages stay when the range is no longer registered, and can be lent out.
        pager.Dispose();
        Assert.Equal(Head(0)[0], memory.Access(ram, 0, Page, 0, static (page, _) => page[0]));
    }

    private static byte[] Head(int page)
    {
        var bytes = new byte[Page];
        Blocks.Fill((long)page * Page, bytes);
        return bytes[..8];
    }

    private sealed class Shared
    {
        public bool IsRegistered;
        public int Lent;
        public int Refused;
        public int Wrong;
    }
}
