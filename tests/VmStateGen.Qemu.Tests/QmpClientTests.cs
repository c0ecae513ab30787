using System;
using System.IO;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading.Tasks;
using VmStateGen.Tool.Tests;

namespace VmStateGen.Qemu.Tests;

/// <summary>The machine protocol with a server that is played: what a real one does once in ten thousand times.</summary>
public sealed class QmpClientTests : FolderTest
{
    private const string Greeting = """{"QMP": {"version": {"qemu": {"major": 10}}, "capabilities": []}}""";
    private const string Resumed = """{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RESUME"}""";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task An_event_before_the_greeting_is_an_event()
    {
        Task server = ServeAsync(Resumed, Greeting);
        await using (QmpClient client = await QmpClient.ConnectAsync(PathOf("qmp")).WaitAsync(Limit))
        {
            Assert.Equal(10, client.Greeting.GetProperty("version").GetProperty("qemu").GetProperty("major").GetInt32());
            await client.WaitForEventAsync("RESUME", timeout: Limit);
        }
        await server.WaitAsync(Limit);
    }

    [Fact]
    public async Task An_end_before_the_greeting_is_explained()
    {
        Task server = ServeAsync(Resumed);
        QemuException e = await Assert.ThrowsAsync<QemuException>(
            () => QmpClient.ConnectAsync(PathOf("qmp"), () => Task.FromResult("It was the disk.")).WaitAsync(Limit));
        Assert.Contains("before a greeting. It was the disk.", e.Message, StringComparison.Ordinal);
        await server.WaitAsync(Limit);
    }

    /// <summary>Says these lines to whoever connects, and answers what it is asked once it has greeted.</summary>
    private Task ServeAsync(params string[] lines)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(PathOf("qmp")));
        listener.Listen();
        return AnswerAsync();

        async Task AnswerAsync()
        {
            using (listener)
            {
                await using var stream = new NetworkStream(await listener.AcceptAsync(), ownsSocket: true);
                await using var writer = new StreamWriter(stream) { AutoFlush = true };
                foreach (string line in lines)
                    await writer.WriteLineAsync(line);
                if (lines[^1] != Greeting)
                    return;
                using var reader = new StreamReader(stream);
                while (await reader.ReadLineAsync() is { } command)
                {
                    using var request = JsonDocument.Parse(command);
                    await writer.WriteLineAsync($$"""{"return": {}, "id": {{request.RootElement.GetProperty("id").GetInt64()}}}""");
                }
            }
        }
    }
}
