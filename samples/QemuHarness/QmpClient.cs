using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;

namespace VmStateGen.Qemu;

/// <summary>Something that QEMU reported of its own accord.</summary>
public sealed record QmpEvent(string Name, JsonElement Data);

/// <summary>QEMU's machine protocol: one JSON object a line, over a unix socket.</summary>
/// <remarks>Safe to use from several tasks at once: every answer is matched to its command by id.</remarks>
public sealed class QmpClient : IAsyncDisposable
{
    private readonly NetworkStream _stream;
    private readonly StreamReader _reader;
    private readonly Func<Task<string>> _explainLoss;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Lock _gate = new();
    private readonly Dictionary<long, (string Command, TaskCompletionSource<JsonElement> Reply)> _pending = [];
    private readonly List<QmpEvent> _events = [];
    private TaskCompletionSource _eventArrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _reading = Task.CompletedTask;
    private string? _loss;
    private long _lastId;

    private QmpClient(Socket socket, Func<Task<string>> explainLoss)
    {
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new StreamReader(_stream, Encoding.UTF8);
        _explainLoss = explainLoss;
    }

    /// <summary>How long a command may take. Generous: it is there to end a hang, not to measure.</summary>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>The greeting's <c>package</c> and version numbers.</summary>
    public JsonElement Greeting { get; private set; }

    /// <summary>Connects to a listening socket and negotiates, with out-of-band commands enabled where QEMU offers them.</summary>
    /// <param name="socketPath">The socket that QEMU listens on.</param>
    /// <param name="explainLoss">Asked once, when the connection ends unasked, for a sentence about what became of the other side.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public static async Task<QmpClient> ConnectAsync(
        string socketPath,
        Func<Task<string>>? explainLoss = null,
        CancellationToken cancellationToken = default)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        var client = new QmpClient(socket, explainLoss ?? (() => Task.FromResult("")));
        try
        {
            await client.NegotiateAsync(cancellationToken).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Executes a command and returns what it returned.</summary>
    /// <exception cref="QmpException">It was refused, timed out, or the connection was lost. The message names the command.</exception>
    public Task<JsonElement> ExecuteAsync(string command, JsonObject? arguments = null, CancellationToken cancellationToken = default)
        => SendAsync("execute", command, arguments, cancellationToken);

    /// <summary>Executes a command without waiting for QEMU's main loop: <c>migrate-pause</c> and <c>migrate-recover</c> take this way.</summary>
    public Task<JsonElement> ExecuteOutOfBandAsync(
        string command, JsonObject? arguments = null, CancellationToken cancellationToken = default)
        => SendAsync("exec-oob", command, arguments, cancellationToken);

    /// <summary>Waits for an event and takes it. Events that came before the call count, unless an earlier call has taken them.</summary>
    public async Task<QmpEvent> WaitForEventAsync(
        string name,
        Func<JsonElement, bool>? match = null,
        TimeSpan? timeout = null,
        CancellationToken cancellationToken = default)
    {
        TimeSpan limit = timeout ?? CommandTimeout;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limit);
        while (true)
        {
            Task arrival;
            lock (_gate)
            {
                int index = _events.FindIndex(e => e.Name == name && (match is null || match(e.Data)));
                if (index >= 0)
                {
                    QmpEvent found = _events[index];
                    _events.RemoveAt(index);
                    return found;
                }

                if (_loss is not null)
                    throw new QemuException($"QMP event '{name}' will not come: {_loss}");
                arrival = _eventArrived.Task;
            }

            try
            {
                await arrival.WaitAsync(deadline.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new QemuException($"QMP event '{name}' did not come within {limit}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Closing the socket is what ends the reader.
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        _reader.Dispose();
        _writing.Dispose();
    }

    private async Task NegotiateAsync(CancellationToken cancellationToken)
    {
        // Something that happens while QEMU takes the connection may be told before the greeting.
        JsonElement? greeting;
        do
        {
            string? line = await _reader.ReadLineAsync(cancellationToken).AsTask()
                .WaitAsync(CommandTimeout, cancellationToken).ConfigureAwait(false);
            if (line is null)
                throw new QemuException($"QEMU closed its QMP socket before a greeting. {await _explainLoss().ConfigureAwait(false)}");
            greeting = Accept(line);
        }
        while (greeting is null);
        Greeting = greeting.Value;

        _reading = Task.Run(ReadAsync, CancellationToken.None);
        var enable = new JsonArray();
        foreach (JsonElement capability in Greeting.GetProperty("capabilities").EnumerateArray())
        {
            if (capability.GetString() == "oob")
                enable.Add("oob");
        }

        await ExecuteAsync("qmp_capabilities", new JsonObject { ["enable"] = enable }, cancellationToken).ConfigureAwait(false);
    }

    private async Task<JsonElement> SendAsync(string verb, string command, JsonObject? arguments, CancellationToken cancellationToken)
    {
        long id = Interlocked.Increment(ref _lastId);
        var reply = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_loss is not null)
                throw new QmpException(command, _loss);
            _pending.Add(id, (command, reply));
        }

        try
        {
            var request = new JsonObject { [verb] = command, ["id"] = id };
            if (arguments is not null)
                request["arguments"] = arguments.DeepClone();
            byte[] line = Encoding.UTF8.GetBytes(request.ToJsonString() + "\n");

            await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                // Not cancellable: half a line would spoil every later command.
                await _stream.WriteAsync(line, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The reader sees the same end and knows why; it answers every pending command, this one too.
            }
            finally
            {
                _writing.Release();
            }

            return await reply.Task.WaitAsync(CommandTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new QmpException(command, $"no answer within {CommandTimeout}");
        }
        finally
        {
            lock (_gate)
                _pending.Remove(id);
        }
    }

    private async Task ReadAsync()
    {
        string loss = "the connection was closed";
        try
        {
            while (await _reader.ReadLineAsync().ConfigureAwait(false) is { } line)
                Accept(line);
            loss = "QEMU closed the connection";
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or JsonException)
        {
            loss = e is ObjectDisposedException ? loss : $"the connection broke ({e.Message})";
        }

        string explanation = await _explainLoss().ConfigureAwait(false);
        loss = explanation.Length == 0 ? loss : $"{loss}: {explanation}";
        lock (_gate)
        {
            _loss = loss;
            foreach ((string command, TaskCompletionSource<JsonElement> reply) in _pending.Values)
                reply.TrySetException(new QmpException(command, loss));
            _eventArrived.TrySetResult();
        }
    }

    /// <summary>Takes an event or the answer to a command; returns a greeting, which is neither.</summary>
    private JsonElement? Accept(string line)
    {
        using var document = JsonDocument.Parse(line);
        JsonElement message = document.RootElement;
        if (message.TryGetProperty("QMP", out JsonElement greeting))
            return greeting.Clone();
        lock (_gate)
        {
            if (message.TryGetProperty("event", out JsonElement name))
            {
                JsonElement data = message.TryGetProperty("data", out JsonElement given) ? given.Clone() : default;
                _events.Add(new QmpEvent(name.GetString() ?? "", data));
                TaskCompletionSource arrived = _eventArrived;
                _eventArrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
                arrived.TrySetResult();
                return null;
            }

            if (!message.TryGetProperty("id", out JsonElement id) || !_pending.TryGetValue(id.GetInt64(), out var waiting))
                return null;
            if (message.TryGetProperty("return", out JsonElement result))
            {
                waiting.Reply.TrySetResult(result.Clone());
                return null;
            }

            JsonElement error = message.GetProperty("error");
            waiting.Reply.TrySetException(new QmpException(
                waiting.Command, error.GetProperty("desc").GetString() ?? "refused", error.GetProperty("class").GetString()));
            return null;
        }
    }
}
