using System;
using System.CommandLine;
using VmStateGen.Tool.Live;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate send</c>: a file becomes a live migration.</summary>
internal static class SendCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = StreamInput.Help };
        var uri = LiveCommand.Uri("URI", "where to connect: tcp:HOST:PORT, unix:PATH, fd:N; exec:COMMAND and file:PATH are written to");
        var wait = LiveCommand.Wait();
        var oneWay = new Option<bool>("--no-return-path") { Description = "ask the destination for no answer; it is then not known whether it has loaded the guest" };
        var missing = new Option<bool>("--missing-as-zero") { Description = "take pages of which the stream says nothing (free page hinting, virtio-mem) for zeros" };
        Option<bool> json = LiveCommand.Json();
        var command = new Command("send", """
            Migrate a file into a stock QEMU of any version, as a plain stream: QEMU's files or ours, plain or mapped-ram. The file is checked
            before anything is sent, and stays as it is.

            The end of the stream only goes out when the destination has said that it could load everything before; what fails earlier leaves it
            without a guest that runs. It needs no capability for that.

            Examples:
              qemu-system-x86_64 ... -incoming unix:/tmp/out.sock
              vmstate send guest.mapped unix:/tmp/out.sock
              vmstate send guest.mig tcp:host:4444 --wait 10 --json
            """) { file, uri, wait, oneWay, missing, json };
        command.SetAction(arguments => LiveCommand.Run(arguments, arguments.GetValue(json), (log, token) => new SendJob(log, token)
        {
            File = arguments.GetRequiredValue(file),
            Address = LiveCommand.Address(arguments, uri),
            AllowMissingPages = arguments.GetValue(missing),
            HasReturnPath = !arguments.GetValue(oneWay),
            Wait = TimeSpan.FromSeconds(arguments.GetValue(wait)),
        }.Run()));
        return command;
    }
}
