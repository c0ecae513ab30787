using System;
using System.CommandLine;
using System.IO;
using VmStateGen.Tool.Live;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Commands;

/// <summary>What the commands do alike: errors become a line and an exit code, output goes where the caller said.</summary>
internal static class ToolCommand
{
    /// <summary>Runs a command's body.</summary>
    public static int Run(ParseResult arguments, Func<ToolOutput, int> body)
    {
        var output = new ToolOutput(arguments.InvocationConfiguration.Output, arguments.InvocationConfiguration.Error);
        try
        {
            return body(output);
        }
        catch (Exception e) when (CodeOf(e) is { } code)
        {
            output.Problem(e.Message);
            return code;
        }
    }

    /// <summary>The exit code that an error means; <see langword="null"/> for a fault of this program.</summary>
    public static int? CodeOf(Exception e) => e switch
    {
        LiveException live => live.Code,
        InputException => ExitCodes.CannotOpen,
        VmStateException => ExitCodes.Found,
        IOException or UnauthorizedAccessException => ExitCodes.Failed,
        _ => null,
    };
}
