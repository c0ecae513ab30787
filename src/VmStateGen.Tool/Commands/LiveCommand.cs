using System;
using System.CommandLine;
using System.Globalization;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Tool.Live;

namespace VmStateGen.Tool.Commands;

/// <summary>What the commands have in common that talk to a machine.</summary>
internal static class LiveCommand
{
    /// <summary>A URI argument; a wrong one is wrong usage.</summary>
    public static Argument<string> Uri(string name, string description)
    {
        var uri = new Argument<string>(name) { Description = description };
        uri.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is not { } text)
                return;
            try
            {
                ChannelAddress.Parse(text);
            }
            catch (FormatException e)
            {
                result.AddError(e.Message);
            }
        });
        return uri;
    }

    public static Option<bool> Json() => new("--json") { Description = "tell what happens as JSON, an object a line" };

    public static Option<double> Wait()
    {
        var wait = new Option<double>("--wait") { Description = "try for so many seconds while nobody listens there yet", HelpName = "SECONDS" };
        wait.CustomParser = result =>
        {
            if (double.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0 and < 1e6)
                return seconds;
            result.AddError("--wait is a number of seconds.");
            return 0;
        };
        return wait;
    }

    public static ChannelAddress Address(ParseResult arguments, Argument<string> uri) => ChannelAddress.Parse(arguments.GetRequiredValue(uri));

    /// <summary>Runs the body until it ends or the process is asked to.</summary>
    public static int Run(ParseResult arguments, bool isJson, Func<LiveLog, CancellationToken, int> body) => ToolCommand.Run(arguments, output =>
    {
        using var interruption = new Interruption();
        var log = new LiveLog(output, isJson);
        try
        {
            return body(log, interruption.Token);
        }
        catch (Exception e) when (ToolCommand.CodeOf(e) is { } code)
        {
            log.Failed(e.Message, code);
            throw;
        }
    });
}
