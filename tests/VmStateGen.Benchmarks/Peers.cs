using System;
using System.Diagnostics;
using System.IO;
using System.Reflection;
using System.Runtime.InteropServices;

namespace VmStateGen.Benchmarks;

/// <summary>The same work in C (tests/peers), built when it is first asked for.</summary>
internal static class Peers
{
    private static readonly Lazy<string> Folder = new(Build);

    static Peers() => NativeLibrary.SetDllImportResolver(
        Assembly.GetExecutingAssembly(), static (name, _, _) => name == "kernels" ? NativeLibrary.Load(Path.Combine(Folder.Value, "libkernels.so")) : 0);

    [DllImport("kernels", EntryPoint = "peer_read_bitmap")]
    public static extern ulong ReadBitmap(in ulong words, nuint count);

    [DllImport("kernels", EntryPoint = "peer_is_zero")]
    public static extern int IsZero(in byte page, nuint length);

    [DllImport("kernels", EntryPoint = "peer_xbzrle")]
    public static extern int Xbzrle(in byte old, in byte @new, ref byte output, nuint length);

    /// <summary>Seconds that bare writev and readv into transparent huge pages take.</summary>
    public static double Stream(int mebibytes, string transport)
        => double.Parse(Run(Path.Combine(Folder.Value, "stream"), $"{mebibytes} {transport}"), System.Globalization.CultureInfo.InvariantCulture);

    private static string Build()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root!.FullName, "VmStateGen.sln")))
            root = root.Parent;
        return Run("bash", Path.Combine(root.FullName, "tests/peers/build.sh")).Trim();
    }

    private static string Run(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {arguments}: exit code {process.ExitCode}");
    }
}
