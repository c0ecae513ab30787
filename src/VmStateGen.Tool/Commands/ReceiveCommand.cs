using System.CommandLine;
using VmStateGen.Tool.Live;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate receive</c>: a live migration becomes a file.</summary>
internal static class ReceiveCommand
{
    public static Command Create()
    {
        var uri = LiveCommand.Uri("URI", "where to listen: tcp:HOST:PORT, unix:PATH, fd:N; exec:COMMAND and file:PATH are read from. A port of 0 is any that is free");
        var target = new Option<string>("--output", "-o") { Description = "the file to write, in QEMU's mapped-ram layout", HelpName = "FILE", Required = true };
        var missing = new Option<bool>("--missing-as-zero") { Description = "take pages of which the stream says nothing (free page hinting, virtio-mem) for zeros" };
        var postcopy = new Option<bool>("--postcopy") { Description = "take a source that goes over to postcopy, too, with its preempt channel and after cuts; over tcp: or unix:" };
        Option<bool> json = LiveCommand.Json();
        var command = new Command("receive", """
            Take a live migration from a stock QEMU (or from VmStateGen) and store it in a file that QEMU 9.0 and newer load as it is. No class is
            needed for any device.

            With the capability return-path the source is told that it has arrived once the file is on the medium under its name, and that it has
            failed otherwise: the guest is never lost. Without it the source ends on its own, whether or not the file can be written.
            Not for multifd and COLO: their pages take other ways; postcopy with --postcopy only.

            Examples:
              vmstate receive unix:/tmp/in.sock -o guest.mapped         then, in QEMU: migrate -d unix:/tmp/in.sock
              vmstate receive tcp:0.0.0.0:4444 -o guest.mapped --json
              vmstate receive unix:/tmp/in.sock -o guest.mapped --postcopy       postcopy-ram on; migrate -d, then migrate_start_postcopy
              vmstate receive 'exec:ssh host cat guest.mig' -o guest.mapped
              qemu-system-x86_64 ... -incoming defer                    then: migrate_set_capability mapped-ram on,
                                                                        migrate_incoming file:guest.mapped
            """) { uri, target, missing, postcopy, json };
        command.SetAction(arguments => LiveCommand.Run(arguments, arguments.GetValue(json), (log, token) => new ReceiveJob(log, token)
        {
            Address = LiveCommand.Address(arguments, uri),
            File = arguments.GetRequiredValue(target),
            AllowMissingPages = arguments.GetValue(missing),
            Postcopy = arguments.GetValue(postcopy),
        }.Run()));
        return command;
    }
}
