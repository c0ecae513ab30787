using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen;
using VmStateGen.Qemu;

namespace QemuDevices;

/// <summary><c>demo</c>: a guest is saved by one QEMU, its devices go through objects, and another QEMU goes on with it.</summary>
internal static class DemoCommand
{
    public static async Task<int> RunAsync(TextWriter report, CancellationToken cancel)
    {
        foreach (string version in new[] { "10.0", "7.2" })
        {
            report.WriteLine($"Looking for QEMU {version}; if it is not here it is fetched, which takes a minute at the first time.");
            QemuInstallation? installation = QemuInstallation.Obtain(version, out string reason);
            if (installation is not null)
                return await WithQemuAsync(installation, report, cancel);
            report.WriteLine($"  {reason}");
        }
        report.WriteLine("No QEMU: install the distribution's qemu-system-x86, or run eng/get-qemu.sh 10.0 where Debian's archive can be reached.");
        report.WriteLine("Meanwhile the same with a stream that our own writer makes:");
        return WithoutQemu(report);
    }

    private static async Task<int> WithQemuAsync(QemuInstallation installation, TextWriter report, CancellationToken cancel)
    {
        string folder = Directory.CreateTempSubdirectory("vmstategen-demo-").FullName;
        string saved = Path.Combine(folder, "saved.mig");
        string rewritten = Path.Combine(folder, "rewritten.mig");
        try
        {
            var guest = new CountingGuest();
            var options = new QemuOptions { Guest = guest, Arguments = ["-device", "e1000"] };
            ulong before;
            await using (QemuProcess source = await QemuProcess.StartAsync(installation, options, cancel))
            {
                before = await CountingGuest.WaitForCountAsync(source, 1, cancellationToken: cancel);
                report.WriteLine($"{source.Installation}: a guest writes a counter all over its RAM; it stands at {before}.");
                await source.SaveToFileAsync(saved, cancel);
            }
            report.WriteLine($"Saved: {new FileInfo(saved).Length} bytes. Rewritten through generated code:");
            int code = RewriteCommand.Run(new FileInfo(saved), new FileInfo(rewritten), [], strict: true, report, report);
            if (code != ExitCodes.Done)
                return code;
            bool isSame = SameBytes(saved, rewritten);
            report.WriteLine(isSame ? "The result equals the original byte for byte." : "The result differs from the original.");

            await using QemuProcess destination = await QemuProcess.StartAsync(installation, options with { Incoming = true }, cancel);
            await destination.LoadAsync(rewritten, cancel);
            await destination.WaitForRunStateAsync("running", cancellationToken: cancel);
            ulong loaded = await CountingGuest.ReadCounterAsync(destination, cancel) ?? 0;
            ulong after = await CountingGuest.WaitForCountAsync(destination, Math.Max(loaded, before) + 1, cancellationToken: cancel);
            report.WriteLine($"A second QEMU loaded it: the guest goes on, the counter stands at {after}.");
            string? damage = await guest.FindDamageAsync(destination, cancel);
            report.WriteLine(damage ?? "Every page of its RAM is as it should be.");
            return isSame && damage is null ? ExitCodes.Done : ExitCodes.Found;
        }
        catch (QemuException e)
        {
            report.WriteLine(e.Message);
            return ExitCodes.Peer;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int WithoutQemu(TextWriter report)
    {
        using var stream = new MemoryStream();
        OwnStream.Write(stream);
        stream.Position = 0;
        using var rewritten = new MemoryStream();
        try
        {
            IReadOnlyList<SectionReport> sections = StreamRewriter.Rewrite(stream, rewritten, []);
            RewriteCommand.Print(sections, report);
        }
        catch (VmStateException e)
        {
            report.WriteLine(e.Message);
            return ExitCodes.Found;
        }
        bool isSame = stream.ToArray().AsSpan().SequenceEqual(rewritten.ToArray());
        report.WriteLine(isSame ? "The result equals the original byte for byte." : "The result differs from the original.");
        return isSame ? ExitCodes.Done : ExitCodes.Found;
    }

    private static bool SameBytes(string left, string right) => File.ReadAllBytes(left).AsSpan().SequenceEqual(File.ReadAllBytes(right));
}
