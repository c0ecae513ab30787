using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading.Tasks;

namespace VmStateGen.Qemu;

/// <summary>A QEMU that this machine can run, and how to come by one.</summary>
/// <remarks>
/// A version is one such as <c>7.2</c>, a PC's, or <c>7.2-aarch64</c>, that of another target.
/// Looked for in this order: the environment variable <c>VMSTATEGEN_QEMU_72</c> or <c>VMSTATEGEN_QEMU_100</c> (the version without its dot),
/// the folder that <c>eng/get-qemu.sh</c> fills, and a <c>qemu-system-x86_64</c> on the PATH if its version is the wanted one.
/// Answers are kept for the life of the process, the missing ones too: a download that failed is not tried again for every test.
/// </remarks>
public sealed partial class QemuInstallation
{
    private static readonly ConcurrentDictionary<string, Lazy<Answer>> Obtained = new();

    private QemuInstallation(string name, string path, Version release)
    {
        Name = name;
        Path = path;
        Release = release;
    }

    /// <summary>The versions that the project is checked against.</summary>
    public static IReadOnlyList<string> Versions { get; } = ["7.2", "10.0"];

    /// <summary>Those of <see cref="Versions"/> that are on this machine now, without downloading anything.</summary>
    public static IReadOnlyList<QemuInstallation> All
        => [.. Versions.Select(version => TryFind(version, out _)).OfType<QemuInstallation>()];

    /// <summary>The version as asked for: <c>7.2</c>.</summary>
    public string Name { get; }

    /// <summary>The program to run. For a fetched QEMU a wrapper script that ends in an exec, so that its process id is QEMU's.</summary>
    public string Path { get; }

    /// <summary>The version as QEMU states it: <c>7.2.22</c>.</summary>
    public Version Release { get; }

    /// <summary>Whether <c>file:</c> is a migration address (since 8.2); before, a file takes <c>exec:cat</c>.</summary>
    public bool HasFileTransport => Release >= new Version(8, 2);

    /// <summary>Whether a failed incoming migration can be asked to leave the process alive to say why (since 9.1).</summary>
    public bool HasIncomingExitOnError => Release >= new Version(9, 1);

    /// <summary>Finds a QEMU that is already here; null and a sentence that says why if there is none.</summary>
    public static QemuInstallation? TryFind(string version, out string reason)
    {
        Answer answer = Find(version);
        reason = answer.Reason;
        return answer.Installation;
    }

    /// <summary>Finds a QEMU, fetching it with <c>eng/get-qemu.sh</c> if it is not here yet; null and the reason if it cannot be had.</summary>
    public static QemuInstallation? Obtain(string version, out string reason)
    {
        Answer answer = Obtained.GetOrAdd(version, key => new Lazy<Answer>(() => FindOrFetch(key))).Value;
        reason = answer.Reason;
        return answer.Installation;
    }

    public override string ToString() => $"QEMU {Release}";

    private static Answer FindOrFetch(string version)
    {
        Answer found = Find(version);
        if (found.Installation is not null || Chosen(version) is not null)
            return found;
        if (FindScript() is not { } script)
            return new(null, $"{found.Reason}, and eng/get-qemu.sh was not found above {AppContext.BaseDirectory} or the current folder");

        (int code, string output, string errors) = Run("bash", [script, version], TimeSpan.FromMinutes(15));
        string path = output.Trim();
        if (code != 0 || path.Length == 0)
        {
            string last = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? $"it ended with code {code}";
            return new(null, $"QEMU {version} is missing: {last.Trim()}");
        }

        return Examine(version, path);
    }

    /// <summary>A version names a target behind a dash; without one it is a PC's.</summary>
    private static string Program(string version) => "qemu-system-" + (version.Split('-', 2) is [_, var target] ? target : "x86_64");

    private static Answer Find(string version)
    {
        string program = Program(version);
        string variable = Variable(version);
        if (Chosen(version) is { } chosen)
        {
            // Whoever names a program wants that one or an error, not whatever else happens to be around.
            Answer named = File.Exists(chosen) ? Examine(version, chosen) : new(null, "there is no such file");
            return named.Installation is not null ? named : new(null, $"{variable}={chosen}: {named.Reason}");
        }

        if (CacheFolder() is { } cache)
        {
            string cached = System.IO.Path.Combine(cache, "qemu-" + version, program);
            if (File.Exists(cached))
                return Examine(version, cached);
        }

        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        string? host = folders.Select(folder => System.IO.Path.Combine(folder, program)).FirstOrDefault(File.Exists);
        if (host is not null && Examine(version, host) is { Installation: not null } onPath)
            return onPath;
        return new(null, $"no QEMU {version} here: {variable} is not set, eng/get-qemu.sh {version} has not run"
            + (host is null ? $", and {program} is not on the PATH" : $", and {host} is another version"));
    }

    private static string Variable(string version) => "VMSTATEGEN_QEMU_" + version.Replace(".", "", StringComparison.Ordinal).Replace('-', '_').ToUpperInvariant();

    private static string? Chosen(string version)
        => Environment.GetEnvironmentVariable(Variable(version)) is { Length: > 0 } path ? path : null;

    private static Answer Examine(string version, string path)
    {
        try
        {
            (int code, string output, string errors) = Run(path, ["--version"], TimeSpan.FromMinutes(1));
            Match match = ReleasePattern().Match(output);
            if (code != 0 || !match.Success)
                return new(null, $"'{path} --version' ended with code {code}: {(output + errors).Trim()}");
            var release = Version.Parse(match.Groups[1].Value);
            return $"{release.Major}.{release.Minor}" == version.Split('-')[0]
                ? new(new QemuInstallation(version, System.IO.Path.GetFullPath(path), release), "")
                : new(null, $"{path} is QEMU {release}, not {version}");
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or QemuException)
        {
            return new(null, $"{path} does not run: {e.Message}");
        }
    }

    private static string? CacheFolder()
    {
        if (Environment.GetEnvironmentVariable("VMSTATEGEN_CACHE") is { Length: > 0 } own)
            return own;
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg)
            return System.IO.Path.Combine(xdg, "vmstategen");
        return Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home
            ? System.IO.Path.Combine(home, ".cache", "vmstategen")
            : null;
    }

    private static string? FindScript()
    {
        foreach (string start in new[] { AppContext.BaseDirectory, Environment.CurrentDirectory })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                string script = System.IO.Path.Combine(folder.FullName, "eng", "get-qemu.sh");
                if (File.Exists(script))
                    return script;
            }
        }

        return null;
    }

    private static (int Code, string Output, string Errors) Run(string program, string[] arguments, TimeSpan limit)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start) ?? throw new QemuException($"{program} could not be started");
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(limit))
        {
            process.Kill(entireProcessTree: true);
            throw new QemuException($"'{program} {string.Join(' ', arguments)}' did not end within {limit}");
        }

        return (process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    [GeneratedRegex(@"QEMU emulator version (\d+\.\d+(\.\d+)?)")]
    private static partial Regex ReleasePattern();

    private sealed record Answer(QemuInstallation? Installation, string Reason);
}
