using System;
using System.CommandLine;
using VmStateGen.Tool.Live;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate relay</c>: looks at a live migration as it passes.</summary>
internal static class RelayCommand
{
    public static Command Create()
    {
        var listen = LiveCommand.Uri("LISTEN_URI", "where the source connects: tcp:HOST:PORT, unix:PATH, fd:N. A port of 0 is any that is free");
        var connect = LiveCommand.Uri("DEST_URI", "where the destination listens: tcp:HOST:PORT, unix:PATH, fd:N");
        var record = new Option<string?>("--record") { Description = "keep the source's stream in a file, for inspect and diff", HelpName = "FILE" };
        var wait = LiveCommand.Wait();
        Option<bool> json = LiveCommand.Json();
        var command = new Command("relay", """
            Pass a live migration on, unchanged and at once, and tell what passes: RAM by rounds (passes over it), sections, commands, and what the
            destination answers. Sections are told once the trailer has come that describes them.

            A stream that is not understood is passed on all the same. A recording is of all that has passed, also of a migration that has failed.
            Not for multifd and postcopy-preempt, which need more than one connection.

            Examples:
              vmstate relay tcp:127.0.0.1:4444 unix:/tmp/destination.sock
              vmstate relay unix:/tmp/relay.sock tcp:host:4444 --record guest.mig --json
            """) { listen, connect, record, wait, json };
        command.SetAction(arguments => LiveCommand.Run(arguments, arguments.GetValue(json), (log, token) => new RelayJob(log, token)
        {
            Listen = LiveCommand.Address(arguments, listen),
            Destination = LiveCommand.Address(arguments, connect),
            Record = arguments.GetValue(record),
            Wait = TimeSpan.FromSeconds(arguments.GetValue(wait)),
        }.Run()));
        return command;
    }
}
