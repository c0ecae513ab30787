using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Text;
using VmStateGen.Tool.Commands;

namespace VmStateGen.Tool;

/// <summary>The <c>vmstate</c> command: its subcommands, and what is common to their ends.</summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        // Console.Out writes through at every call; a long report is written in pieces of a reasonable size.
        using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false), 32 * 1024);
        return Run(args, output, Console.Error);
    }

    /// <summary>Runs the command as the shell would.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter errors)
    {
        var root = new RootCommand("""
            Migration streams and snapshots of QEMU and of VmStateGen: what is in them, what differs, where and why they are damaged.

            Examples:
              vmstate inspect guest.mig
              vmstate diff before.mig after.mig
              vmstate scaffold guest.mig --device i8254
              vmstate receive unix:/tmp/in.sock -o guest.mapped
              vmstate send guest.mapped tcp:host:4444
              vmstate serve guest.mapped unix:/tmp/out.sock
              vmstate schema Devices.dll
              vmstate baseline accept --assembly Devices.dll --write

            Exit codes: 0 done; 1 found something (damaged, different, not a stream); 2 wrong usage; 3 an input cannot be opened
            or read; 4 output or peer failed.
            """);
        foreach (Command command in Commands())
            root.Add(command);

        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (string error in parsed.Errors.Select(error => error.Message).Distinct())
                errors.WriteLine($"vmstate: {error}");
            errors.WriteLine("Try --help.");
            return ExitCodes.Usage;
        }
        var configuration = new InvocationConfiguration { Output = output, Error = errors, EnableDefaultExceptionHandler = false };
        try
        {
            int code = parsed.Invoke(configuration);
            output.Flush();
            return code;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            errors.WriteLine($"vmstate: {e.Message}");
            return ExitCodes.Failed;
        }
    }

    private static IEnumerable<Command> Commands() =>
    [
        InspectCommand.Create(),
        DiffCommand.Create(),
        ScaffoldCommand.Create(),
        ExtractCommand.Create(),
        ConvertCommand.Create(),
        ReceiveCommand.Create(),
        SendCommand.Create(),
        ServeCommand.Create(),
        RelayCommand.Create(),
        CheckCommand.Create(),
        SchemaCommand.Create(),
        BaselineCommand.Create(),
    ];
}
