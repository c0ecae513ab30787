using System;
using System.IO;

namespace VmStateGen.Package.Tests;

/// <summary>Projects of users build, run, warn and fail as the packages promise.</summary>
[Collection(Packed.Name)]
public sealed class ConsumerTests(PackedRepository repository)
{
    private const string Unmarked = """
        using VmStateGen;

        [VmState("uart")]
        public sealed partial class Uart
        {
            [Field] private byte lcr;
            private byte mcr;

            public byte Sum => (byte)(lcr + mcr++);
        }
        """;

    [Fact]
    public void A_console_saves_and_loads_a_device()
    {
        Consumer consumer = repository.Consumer()
            .Project("Demo", Devices.Console + Devices.Strict, Devices.RoundTrip("Acme.Uart", "device.Write(0x41)"));
        File.WriteAllText(consumer.File("Demo", "Uart.cs"), Devices.Uart);

        CommandResult run = consumer.Dotnet("run", "--project", "Demo").Succeeded();

        Assert.Equal($"{Devices.UartBytes} {Devices.UartBytes}", run.Output.Trim());
    }

    [Fact]
    public void The_runtime_package_alone_brings_the_generator()
    {
        Consumer consumer = repository.Consumer().Project("Vmm", Devices.Console + Devices.WithoutBaseline, packages: "VmStateGen.Runtime",
            source: """
                System.Console.WriteLine(new Acme.Uart() is VmStateGen.IVmState ? "generated" : "not generated");
                """);
        File.WriteAllText(consumer.File("Vmm", "Uart.cs"), Devices.Uart);

        Assert.Equal("generated", consumer.Dotnet("run", "--project", "Vmm").Succeeded().Output.Trim());
    }

    [Fact]
    public void State_nests_state_of_another_project_which_builds_for_two_frameworks()
    {
        Consumer consumer = repository.Consumer()
            .Project("Devices", "<TargetFrameworks>net8.0;net10.0</TargetFrameworks> <Nullable>enable</Nullable> <GenerateDocumentationFile>true</GenerateDocumentationFile>" + Devices.Strict, Devices.Uart)
            .Project("Board", Devices.Console + Devices.Strict, Devices.RoundTrip("Acme.Board", "device.Port.Write(0x41)"), projects: "Devices");
        File.WriteAllText(consumer.File("Board", "Board.cs"), """
            using VmStateGen;

            namespace Acme;

            [VmState("board")]
            public sealed partial class Board
            {
                [Field] private uint id = 0x1234;
                [Field] private readonly Uart port = new();
                [Field(Length = 2)] private readonly Fifo[] queues = new Fifo[2];

                public uint Id => id;

                public Uart Port => port;

                public Fifo[] Queues => queues;
            }
            """);

        CommandResult run = consumer.Dotnet("run", "--project", "Board").Succeeded();
        consumer.Dotnet("build", "Devices", "-f", "net8.0").Succeeded();

        const string bytes = "00001234" + Devices.UartBytes + "0000";
        Assert.Equal($"{bytes} {bytes}", run.Output.Trim());
    }

    [Fact]
    public void CSharp_12_without_nullable_is_enough()
    {
        Consumer consumer = repository.Consumer()
            .Project("Old", "<TargetFramework>net8.0</TargetFramework> <LangVersion>12</LangVersion> <Nullable>disable</Nullable>" + Devices.Strict, Devices.Uart);

        consumer.Dotnet("build", "Old").Succeeded();
    }

    [Fact]
    public void A_type_that_is_not_partial_fails_the_build()
    {
        Consumer consumer = repository.Consumer()
            .Project("Wrong", Devices.Console, Unmarked.Replace("partial ", "") + "\npublic static class Program { public static void Main() { } }");

        CommandResult build = consumer.Dotnet("build", "Wrong").Failed();

        Assert.Equal(["VMS100"], build.Diagnostics("error"));
        Assert.Contains("Source.cs(4,21)", build.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unmarked_field_warns_and_dotnet_format_marks_it()
    {
        Consumer consumer = repository.Consumer()
            .Project("Unmarked", "<TargetFramework>net10.0</TargetFramework>" + Devices.WithoutBaseline, Unmarked);

        CommandResult build = consumer.Dotnet("build", "Unmarked").Succeeded();
        consumer.Dotnet("format", "analyzers", "Unmarked", "--diagnostics", "VMS110", "--no-restore").Succeeded();

        Assert.Equal(["VMS110"], build.Diagnostics("warning"));
        // Unattended, the first of the two fixes is taken.
        Assert.Equal(Unmarked.Replace("    private byte mcr", "    [Field] private byte mcr"), File.ReadAllText(consumer.File("Unmarked", "Source.cs")));
    }

    [Fact]
    public void Baseline_files_of_the_project_reach_the_compiler_once()
    {
        Consumer consumer = repository.Consumer()
            .Project("Direct", "<TargetFramework>net10.0</TargetFramework>", Devices.Uart)
            .Project("Transitive", "<TargetFramework>net10.0</TargetFramework>", "", packages: "VmStateGen.Runtime", projects: "Direct");
        foreach (string name in new[] { "VmState.Shipped.txt", "VmState.Shipped.1.0.txt", "VmState.Unshipped.txt", "Other.txt" })
            File.WriteAllText(consumer.File("Direct", name), "");
        File.WriteAllText(consumer.File("Transitive", "VmState.Unshipped.txt"), "");
        // What the project lists itself, in whichever way it writes it.
        File.WriteAllText(consumer.File("Direct", "Directory.Build.props"), """
            <Project>
              <ItemGroup>
                <AdditionalFiles Include="VmState.Unshipped.txt" />
              </ItemGroup>
            </Project>
            """);

        consumer.Dotnet("restore", "Transitive").Succeeded();

        Assert.Equal(["VmState.Shipped.1.0.txt", "VmState.Shipped.txt", "VmState.Unshipped.txt"], consumer.AdditionalFiles("Direct"));
        Assert.Equal(["VmState.Unshipped.txt"], consumer.AdditionalFiles("Transitive"));
    }

    /// <summary>The whole way of a change: no baseline, files made, a break stops the build, an allowed change is accepted into them.</summary>
    [Fact]
    public void A_break_fails_the_build_and_dotnet_format_accepts_an_allowed_change()
    {
        Consumer consumer = repository.Consumer().Project("Devices", "<TargetFramework>net10.0</TargetFramework>", Devices.Uart);
        consumer.Dotnet("tool", "install", "VmStateGen.Tool", "--tool-path", "tools", "--version", repository.Version).Succeeded();
        string source = consumer.File("Devices", "Source.cs"), unshipped = consumer.File("Devices", "VmState.Unshipped.txt");

        CommandResult bare = consumer.Dotnet("build", "Devices").Succeeded();
        Assert.Equal(["VMS303"], bare.Diagnostics("warning"));
        string[] project = ["--assembly", consumer.File("Devices", "bin", "Debug", "net10.0", "Devices.dll"), "--project", consumer.File("Devices"), "--write"];
        consumer.Run(consumer.File("tools", "vmstate"), ["baseline", "init", .. project]).Succeeded();
        consumer.Run(consumer.File("tools", "vmstate"), ["baseline", "ship", "1.0", .. project]).Succeeded();
        Assert.Empty(consumer.Dotnet("build", "Devices").Succeeded().Diagnostics("warning"));

        File.WriteAllText(source, Devices.Uart.Replace("private ushort divider", "private uint divider"));
        CommandResult broken = consumer.Dotnet("build", "Devices").Failed();
        Assert.Equal(["VMS220"], broken.Diagnostics("error"));
        Assert.Contains("uart/divider: it was u16 and is u32; streams of release 1.0 do not load", broken.Output, StringComparison.Ordinal);

        File.WriteAllText(source, Devices.Uart.Replace("\"uart\", Version = 2", "\"uart\", Version = 3")
            .Replace("[Field] private Fifo fifo;", "[Field] private Fifo fifo;\n    [Field(Version = 3, Default = 0)] private byte scratch;"));
        Assert.Equal(["VMS300"], consumer.Dotnet("build", "Devices").Succeeded().Diagnostics("warning"));
        consumer.Dotnet("format", "analyzers", "Devices", "--diagnostics", "VMS300", "--no-restore").Succeeded();
        Assert.Contains("Acme.Uart#003 \"scratch\" u8 since 3 default 0\n", File.ReadAllText(unshipped), StringComparison.Ordinal);
        Assert.Empty(consumer.Dotnet("build", "Devices").Succeeded().Diagnostics("warning"));
    }

    [Fact]
    public void A_project_that_only_uses_devices_has_no_baseline_and_builds()
    {
        Consumer consumer = repository.Consumer()
            .Project("Devices", "<TargetFramework>net10.0</TargetFramework>" + Devices.Strict, Devices.Uart)
            .Project("User", Devices.Console + Devices.Strict, Devices.RoundTrip("Acme.Uart", "device.Write(0x41)"), packages: "", projects: "Devices");

        Assert.Equal($"{Devices.UartBytes} {Devices.UartBytes}", consumer.Dotnet("run", "--project", "User").Succeeded().Output.Trim());
        Assert.Empty(consumer.AdditionalFiles("User"));
    }
}
