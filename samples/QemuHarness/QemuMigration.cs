using System;
using System.Diagnostics;
using System.IO;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;

namespace VmStateGen.Qemu;

/// <summary>Migration, as a QEMU is told to do it over QMP.</summary>
public static class QemuMigration
{
    /// <summary>As good as no limit. (Zero means that too, but not in every release for every parameter.)</summary>
    private const long Unlimited = 1L << 40;

    private static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(5);

    /// <summary>Saves the running or stopped machine into a file. Afterwards the machine is stopped, in state <c>postmigrate</c>.</summary>
    public static async Task SaveToFileAsync(this QemuProcess qemu, string path, CancellationToken cancellationToken = default)
    {
        path = Path.GetFullPath(path);
        File.Delete(path);
        await qemu.SetMigrationParametersAsync(new JsonObject { ["max-bandwidth"] = Unlimited }, cancellationToken).ConfigureAwait(false);
        if (qemu.Installation.HasFileTransport)
        {
            await qemu.MigrateAsync($"file:{path}", cancellationToken).ConfigureAwait(false);
            await qemu.WaitForMigrationAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            return;
        }

        // QEMU says "completed" when it has written to the pipe; that cat has written too is known by the new name.
        string part = path + ".part";
        await qemu.MigrateAsync($"exec:cat > {ShellQuote(part)} && mv {ShellQuote(part)} {ShellQuote(path)}", cancellationToken)
            .ConfigureAwait(false);
        await qemu.WaitForMigrationAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        await PollAsync(() => Task.FromResult(File.Exists(path)), $"{path} was not written", null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Loads a file into a QEMU started with <see cref="QemuOptions.Incoming"/>, and waits until it is loaded.</summary>
    /// <remarks>The guest then runs, unless <see cref="QemuOptions.Paused"/>.</remarks>
    /// <exception cref="QemuMigrationException">It was refused; the message says why in QEMU's words.</exception>
    public static async Task LoadAsync(this QemuProcess qemu, string path, CancellationToken cancellationToken = default)
    {
        path = Path.GetFullPath(path);
        string uri = qemu.Installation.HasFileTransport ? $"file:{path}" : $"exec:cat {ShellQuote(path)}";
        await qemu.MigrateIncomingAsync(uri, cancellationToken).ConfigureAwait(false);
        await qemu.WaitForMigrationAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        if (!qemu.Options.Paused)
            await qemu.WaitForRunStateAsync("running", cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Starts an outgoing migration; <see cref="WaitForMigrationAsync"/> waits for its end.</summary>
    public static Task MigrateAsync(this QemuProcess qemu, string uri, CancellationToken cancellationToken = default)
        => qemu.ExecuteAsync("migrate", new JsonObject { ["uri"] = uri }, cancellationToken);

    /// <summary>Names the address that a QEMU started with <see cref="QemuOptions.Incoming"/> listens on or reads from.</summary>
    public static async Task MigrateIncomingAsync(this QemuProcess qemu, string uri, CancellationToken cancellationToken = default)
    {
        var arguments = new JsonObject { ["uri"] = uri };
        // Without it a failed load ends the process, and the reason is found on its standard error only.
        if (qemu.Installation.HasIncomingExitOnError)
            arguments["exit-on-error"] = false;
        try
        {
            await qemu.ExecuteAsync("migrate-incoming", arguments, cancellationToken).ConfigureAwait(false);
        }
        catch (QmpException e) when (e.ErrorClass is null)
        {
            // A stream that breaks at its first bytes can end an old QEMU before it has answered.
            throw new QemuMigrationException("lost", e.Message);
        }
    }

    /// <summary>Waits until a migration, outgoing or incoming, has completed, and returns its final <c>query-migrate</c>.</summary>
    /// <exception cref="QemuMigrationException">It failed or was cancelled; or, incoming, QEMU ended over it as an old one does.</exception>
    public static async Task<JsonElement> WaitForMigrationAsync(
        this QemuProcess qemu, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        JsonElement info = default;
        string status = "none";
        await PollAsync(
            async () =>
            {
                try
                {
                    info = await qemu.ExecuteAsync("query-migrate", null, cancellationToken).ConfigureAwait(false);
                }
                catch (QmpException e) when (e.ErrorClass is null)
                {
                    throw new QemuMigrationException("lost", e.Message);
                }

                status = info.TryGetProperty("status", out JsonElement given) ? given.GetString() ?? "none" : "none";
                return status is "completed" or "failed" or "cancelled";
            },
            $"{qemu}: the migration has not ended",
            timeout,
            cancellationToken).ConfigureAwait(false);
        if (status == "completed")
            return info;

        string reason = info.TryGetProperty("error-desc", out JsonElement text) ? text.GetString() ?? "" : qemu.Output.Trim();
        throw new QemuMigrationException(status, $"{qemu}: the migration {status}: {(reason.Length == 0 ? "no reason given" : reason)}");
    }

    /// <summary>Waits until RAM has gone through so many rounds, or the migration is over.</summary>
    public static Task WaitForRoundsAsync(this QemuProcess qemu, int least, CancellationToken cancellationToken = default)
        => WaitForRamAsync(qemu, ram => ram.GetProperty("dirty-sync-count").GetInt64() > least, cancellationToken);

    /// <summary>Waits until so many bytes of RAM have been sent, or the migration is over. Some 250 KiB of them may not have been received yet.</summary>
    public static Task WaitForTransferredAsync(this QemuProcess qemu, long least, CancellationToken cancellationToken = default)
        => WaitForRamAsync(qemu, ram => ram.GetProperty("transferred").GetInt64() >= least, cancellationToken);

    /// <summary>Waits until a migration is in one of the states given, such as <c>pre-switchover</c> or <c>postcopy-active</c>.</summary>
    public static async Task<string> WaitForMigrationStatusAsync(
        this QemuProcess qemu, string[] states, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        string status = "none";
        await PollAsync(
            async () =>
            {
                JsonElement info = await qemu.ExecuteAsync("query-migrate", null, cancellationToken).ConfigureAwait(false);
                status = info.TryGetProperty("status", out JsonElement given) ? given.GetString() ?? "none" : "none";
                return Array.IndexOf(states, status) >= 0;
            },
            $"{qemu}: the migration did not become {string.Join(" or ", states)}",
            timeout,
            cancellationToken,
            () => $"; it is {status}").ConfigureAwait(false);
        return status;
    }

    /// <summary>Waits until the guest's run state is the one given: <c>running</c>, <c>paused</c>, <c>postmigrate</c>, ...</summary>
    public static Task WaitForRunStateAsync(
        this QemuProcess qemu, string state, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
        => PollAsync(
            async () =>
            {
                JsonElement status = await qemu.ExecuteAsync("query-status", null, cancellationToken).ConfigureAwait(false);
                return status.GetProperty("status").GetString() == state;
            },
            $"{qemu}: the guest did not become {state}",
            timeout,
            cancellationToken);

    /// <summary>Switches migration capabilities such as <c>multifd</c> or <c>postcopy-ram</c> on.</summary>
    public static Task EnableMigrationCapabilitiesAsync(
        this QemuProcess qemu, string[] capabilities, CancellationToken cancellationToken = default)
    {
        var list = new JsonArray();
        foreach (string capability in capabilities)
            list.Add(new JsonObject { ["capability"] = capability, ["state"] = true });
        return qemu.ExecuteAsync("migrate-set-capabilities", new JsonObject { ["capabilities"] = list }, cancellationToken);
    }

    /// <summary>Sets migration parameters such as <c>max-bandwidth</c> or <c>multifd-channels</c>.</summary>
    public static Task SetMigrationParametersAsync(
        this QemuProcess qemu, JsonObject parameters, CancellationToken cancellationToken = default)
        => qemu.ExecuteAsync("migrate-set-parameters", parameters, cancellationToken);

    /// <summary>Reads guest-physical memory.</summary>
    /// <remarks>Of a running guest every byte is right but they need not be of one moment; stop it for that.</remarks>
    public static async Task<byte[]> PhysicalMemoryReadAsync(
        this QemuProcess qemu, long address, long length, CancellationToken cancellationToken = default)
    {
        string file = Path.Combine(qemu.Folder, $"memory-{Guid.NewGuid():N}");
        try
        {
            var arguments = new JsonObject { ["val"] = address, ["size"] = length, ["filename"] = file };
            await qemu.ExecuteAsync("pmemsave", arguments, cancellationToken).ConfigureAwait(false);
            byte[] content = await File.ReadAllBytesAsync(file, cancellationToken).ConfigureAwait(false);
            return content.LongLength == length
                ? content
                : throw new QemuException($"{qemu}: asked for {length} bytes of memory at {address:#x}, got {content.LongLength}");
        }
        finally
        {
            File.Delete(file);
        }
    }

    internal static async Task PollAsync(
        Func<Task<bool>> reached,
        string failure,
        TimeSpan? timeout,
        CancellationToken cancellationToken,
        Func<string>? detail = null)
    {
        TimeSpan limit = timeout ?? DefaultLimit;
        long started = Stopwatch.GetTimestamp();
        while (!await reached().ConfigureAwait(false))
        {
            if (Stopwatch.GetElapsedTime(started) > limit)
                throw new QemuException($"{failure} within {limit}{detail?.Invoke()}");
            await Task.Delay(20, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task WaitForRamAsync(QemuProcess qemu, Func<JsonElement, bool> reached, CancellationToken cancellationToken)
    {
        while (true)
        {
            JsonElement info = await qemu.ExecuteAsync("query-migrate", null, cancellationToken).ConfigureAwait(false);
            if (info.GetProperty("status").GetString() is not ("setup" or "active"))
                return;
            if (info.TryGetProperty("ram", out JsonElement ram) && reached(ram))
                return;
            await Task.Delay(10, cancellationToken).ConfigureAwait(false);
        }
    }

    private static string ShellQuote(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
