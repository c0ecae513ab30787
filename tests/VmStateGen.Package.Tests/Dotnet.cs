using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Text;
using Xunit.Sdk;

namespace VmStateGen.Package.Tests;

/// <summary>Runs the SDK as a user would, in a folder.</summary>
internal static class Dotnet
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public static CommandResult Run(string folder, params string[] arguments) => Run(folder, "dotnet", arguments, []);

    public static CommandResult Run(string folder, string command, IEnumerable<string> arguments, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // What `dotnet test` tells its own children is nothing that a user's shell has.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        // A build node that stays alive would hold our pipes open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;

        var output = new StringBuilder();
        void Append(object sender, DataReceivedEventArgs line)
        {
            lock (output)
                output.Append(line.Data).Append('\n');
        }

        using Process process = new() { StartInfo = start };
        process.OutputDataReceived += Append;
        process.ErrorDataReceived += Append;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        bool ended = process.WaitForExit(Patience);
        if (ended)
            process.WaitForExit();
        else
            process.Kill(entireProcessTree: true);
        lock (output)
            return new CommandResult($"{command} {string.Join(' ', arguments)}", ended ? process.ExitCode : null, output.ToString());
    }
}

/// <summary>What a command said and how it ended; no exit code if it had to be stopped.</summary>
internal sealed record CommandResult(string Command, int? ExitCode, string Output)
{
    /// <summary>The command itself must have worked; with its output where it did not.</summary>
    public CommandResult Succeeded() => ExitCode == 0 ? this : throw Unexpected("0");

    public CommandResult Failed() => ExitCode is > 0 ? this : throw Unexpected("a failure");

    /// <summary>Diagnostic ids of a severity, each once.</summary>
    public string[] Diagnostics(string severity) =>
    [
        .. Output.Split('\n')
            .Select(line => line.Split($": {severity} ", 2))
            .Where(parts => parts.Length == 2)
            .Select(parts => parts[1].Split(':')[0])
            .Distinct()
            .Order(),
    ];

    private XunitException Unexpected(string wanted) =>
        new($"{Command}: expected exit code {wanted}, got {ExitCode?.ToString() ?? "none in time"}\n{Output}");
}
