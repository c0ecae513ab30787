using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;

namespace VmStateGen.Runtime.Tests.Linux;

/// <summary>What this machine's C compiler says; a test that needs one skips where there is none.</summary>
internal static class CProgram
{
    /// <summary>Integer constant expressions of C, as <c>expression=value</c>.</summary>
    public static string[] Values(string[] headers, string[] expressions)
    {
        var folder = Directory.CreateTempSubdirectory("vmstategen-");
        try
        {
            var source = Path.Combine(folder.FullName, "constants.c");
            var program = Path.Combine(folder.FullName, "constants");
            File.WriteAllText(source, $$"""
                #define _GNU_SOURCE
                {{string.Join('\n', headers.Select(header => $"#include <{header}>"))}}
                int main(void) {
                {{string.Join('\n', expressions.Select(expression => $"""printf("%s=%lld\n", "{expression}", (long long)({expression}));"""))}}
                return 0;
                }
                """);
            Compile(source, program);
            return Run(program).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Makes a program of a source file.</summary>
    public static void Compile(string source, string program, params string[] options)
    {
        var complaints = Run("gcc", [.. options, "-o", program, source]);
        Assert.True(complaints.Length == 0, complaints);
    }

    private static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
            process.WaitForExit();
            return output;
        }
        catch (Win32Exception e)
        {
            throw new SkipException($"{program} is needed to read this machine's headers: {e.Message}");
        }
    }
}
