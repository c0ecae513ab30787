using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;

namespace VmStateGen.Qemu;

/// <summary>A running QEMU with its QMP connection and a folder of its own. Nothing of it survives <see cref="DisposeAsync"/>.</summary>
/// <remarks>
/// Should this process die without disposing, by SIGKILL even, a small shell that waits on a pipe from it ends the QEMU and removes the folder.
/// (A parent-death signal would not do: it fires when the thread that started the child ends, and thread-pool threads come and go.)
/// </remarks>
public sealed class QemuProcess : IAsyncDisposable
{
    private const int OutputLimit = 64 * 1024;

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly Process _leash;
    private readonly StringBuilder _output = new();
    private QmpClient? _qmp;
    private bool _stopping;
    private bool _disposed;

    private QemuProcess(QemuInstallation installation, QemuOptions options, string folder, Process process, Process leash)
    {
        Installation = installation;
        Options = options;
        Folder = folder;
        _process = process;
        _leash = leash;
    }

    public QemuInstallation Installation { get; }

    public QemuOptions Options { get; }

    /// <summary>A folder for this process's files: sockets, the disk image, whatever a caller wants gone with it.</summary>
    public string Folder { get; }

    /// <summary>QEMU's own process id.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Whether the process has ended, for whatever reason.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The connection that commands go through.</summary>
    public QmpClient Qmp => _qmp ?? throw new InvalidOperationException("QEMU has not been connected to yet.");

    /// <summary>What QEMU has printed so far, standard error and output together, its last 64 KiB.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Starts a QEMU and waits until it answers.</summary>
    /// <exception cref="QemuException">It ended or did not answer; the message has what it printed.</exception>
    public static async Task<QemuProcess> StartAsync(
        QemuInstallation installation, QemuOptions options, CancellationToken cancellationToken = default)
    {
        string folder = Directory.CreateTempSubdirectory("vmsg-qemu-").FullName;
        QemuProcess? qemu = null;
        try
        {
            Process process = Launch(installation, options, folder);
            qemu = new QemuProcess(installation, options, folder, process, Tether(process.Id, folder));
            qemu.CollectOutput();
            qemu._qmp = await qemu.ConnectAsync(cancellationToken).ConfigureAwait(false);
            return qemu;
        }
        catch
        {
            if (qemu is not null)
                await qemu.DisposeAsync().ConfigureAwait(false);
            else
                Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <summary>Executes a QMP command.</summary>
    public Task<System.Text.Json.JsonElement> ExecuteAsync(
        string command, JsonObject? arguments = null, CancellationToken cancellationToken = default)
        => Qmp.ExecuteAsync(command, arguments, cancellationToken);

    /// <summary>Waits until QEMU ends of its own accord, and returns its exit code.</summary>
    public async Task<int> WaitForExitAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        try
        {
            await _process.WaitForExitAsync(cancellationToken).WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new QemuException($"{this} is still running after {timeout}");
        }

        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        _stopping = true;
        if (!_process.HasExited)
            _process.Kill();
        try
        {
            await _process.WaitForExitAsync().WaitAsync(StopLimit).ConfigureAwait(false);
        }
        catch (TimeoutException) when (_process.HasExited)
        {
            // Only a child that inherited its standard error is left, and that is not ours to wait for.
        }

        if (_qmp is not null)
            await _qmp.DisposeAsync().ConfigureAwait(false);
        Directory.Delete(Folder, recursive: true);
        await ReleaseLeashAsync().ConfigureAwait(false);
        _process.Dispose();
    }

    public override string ToString() => $"{Installation} ({Options.Machine}, process {_process.Id})";

    private static Process Launch(QemuInstallation installation, QemuOptions options, string folder)
    {
        List<string> arguments =
        [
            "-no-user-config",
            "-M", options.Machine,
            "-m", options.MemoryMiB.ToString(System.Globalization.CultureInfo.InvariantCulture),
            "-accel", options.Accelerator,
            "-display", "none",
            "-qmp", $"unix:{SocketPath(folder)},server=on,wait=off",
        ];
        if (options.Guest is not null)
        {
            // Each process has its own copy: two QEMUs on one image would fight for its lock.
            string image = Path.Combine(folder, "disk.img");
            options.Guest.WriteDiskImage(image);
            arguments.AddRange(["-drive", $"file={image},format=raw,if=ide"]);
        }

        if (options.Incoming)
            arguments.AddRange(["-incoming", "defer"]);
        if (options.Paused)
            arguments.Add("-S");
        arguments.AddRange(options.Arguments);

        var start = new ProcessStartInfo(installation.Path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TMPDIR"] = folder;
        try
        {
            Process process = Process.Start(start) ?? throw new QemuException($"{installation.Path} could not be started");
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception e)
        {
            throw new QemuException($"{installation.Path} could not be started: {e.Message}", e);
        }
    }

    // "done" on the pipe is a release, and its end without it is the death of this process.
    private static Process Tether(int processId, string folder)
    {
        const string Script = """trap '' INT TERM HUP; read -r word; [ "$word" = done ] || { kill -KILL "$1"; rm -rf "$2"; }""";
        var start = new ProcessStartInfo("/bin/sh", ["-c", Script, "sh", $"{processId}", folder]) { RedirectStandardInput = true };
        return Process.Start(start) ?? throw new QemuException("/bin/sh could not be started");
    }

    private static string SocketPath(string folder) => Path.Combine(folder, "qmp");

    private async Task ReleaseLeashAsync()
    {
        try
        {
            await _leash.StandardInput.WriteLineAsync("done").ConfigureAwait(false);
            _leash.StandardInput.Close();
        }
        catch (IOException)
        {
            // Gone already; so is its reason.
        }

        await _leash.WaitForExitAsync().ConfigureAwait(false);
        _leash.Dispose();
    }

    private void CollectOutput()
    {
        DataReceivedEventHandler collect = (_, line) =>
        {
            if (line.Data is null)
                return;
            lock (_output)
            {
                _output.Append(line.Data).Append('\n');
                if (_output.Length > OutputLimit)
                    _output.Remove(0, _output.Length - OutputLimit);
            }
        };
        _process.OutputDataReceived += collect;
        _process.ErrorDataReceived += collect;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private async Task<QmpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await QmpClient.ConnectAsync(SocketPath(Folder), ExplainEndAsync, cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException e)
            {
                // Not there yet, or there and not listening yet.
                if (_process.HasExited)
                    throw new QemuException($"{this} ended at once: {await ExplainEndAsync().ConfigureAwait(false)}", e);
                if (Stopwatch.GetElapsedTime(started) > StartLimit)
                    throw new QemuException($"{this} opened no QMP socket within {StartLimit}. It printed: {Output}", e);
            }
            catch (Exception e) when (e is QemuException or IOException)
            {
                // It listened already, and then found something that it could not do.
                throw new QemuException($"{this} did not come up: {await ExplainEndAsync().ConfigureAwait(false)}", e);
            }

            await Task.Delay(20, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string> ExplainEndAsync()
    {
        if (_stopping)
            return "it was stopped by this program";
        try
        {
            // The socket closes a moment before the process ends and its last words arrive.
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10)).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return $"{this} is still running and printed: {Output}";
        }

        string said = Output.Trim();
        return $"{this} ended with code {_process.ExitCode} and printed: {(said.Length == 0 ? "nothing" : said)}";
    }
}
