using System.Linq;
using System.Runtime.InteropServices;

namespace VmStateGen.Package.Tests;

/// <summary>What a user publishes or installs.</summary>
[Collection(Packed.Name)]
public sealed class PublishTests(PackedRepository repository)
{
    [SkippableFact]
    public void A_trimmed_consumer_has_no_trim_or_aot_warning()
    {
        // The AOT compiler itself is a package that not every source has; its analyzers are in the SDK.
        Consumer consumer = repository.Consumer().Project("Trimmed",
            Devices.Console + Devices.Strict + """
                <PublishTrimmed>true</PublishTrimmed> <TrimmerSingleWarn>false</TrimmerSingleWarn> <SuppressTrimAnalysisWarnings>false</SuppressTrimAnalysisWarnings>
                <EnableAotAnalyzer>true</EnableAotAnalyzer> <InvariantGlobalization>true</InvariantGlobalization>
                """,
            Devices.RoundTrip("Acme.Uart", "device.Write(0x41)"), packages: "VmStateGen.Runtime");
        System.IO.File.WriteAllText(consumer.File("Trimmed", "Uart.cs"), Devices.Uart);

        CommandResult publish = consumer.Dotnet("publish", "Trimmed", "-r", RuntimeInformation.RuntimeIdentifier, "-o", "out");
        string[] missing = [.. publish.Diagnostics("error").Where(id => id is "NU1101" or "NU1102")];
        Skip.If(missing.Length > 0, "The package sources have no runtime pack of this framework, which trimming needs.");
        publish.Succeeded();

        string bytes = consumer.Run(consumer.File("out", "Trimmed")).Succeeded().Output.Trim();
        Assert.Equal($"{Devices.UartBytes} {Devices.UartBytes}", bytes);
        Assert.Empty(publish.Diagnostics("warning"));
    }

    [Fact]
    public void The_tool_installs_and_helps()
    {
        Consumer consumer = repository.Consumer();

        consumer.Dotnet("tool", "install", "VmStateGen.Tool", "--tool-path", "tools", "--version", repository.Version).Succeeded();
        CommandResult help = consumer.Run(consumer.File("tools", "vmstate"), "--help").Succeeded();

        Assert.Contains("inspect", help.Output, System.StringComparison.Ordinal);
    }
}
