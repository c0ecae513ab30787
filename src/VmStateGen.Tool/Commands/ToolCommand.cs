using System;
using System.CommandLine;
using System.IO;
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
        catch (InputException e)
        {
            output.Problem(e.Message);
            return ExitCodes.CannotOpen;
        }
        catch (VmStateException e)
        {
            output.Problem(e.Message);
            return ExitCodes.Found;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            output.Problem(e.Message);
            return ExitCodes.Failed;
        }
    }
}
