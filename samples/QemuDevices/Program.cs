using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using QemuDevices;
using VmStateGen;

var input = new Argument<FileInfo>("IN") { Description = "a migration stream in a file" };
var output = new Argument<FileInfo>("OUT") { Description = "where the result goes; it may be IN" };
var set = new Option<string[]>("--set")
{
    Description = "DEVICE/path=value: set one field, as `fields` names it; may be repeated",
    HelpName = "DEVICE/path=value",
};
var strict = new Option<bool>("--strict") { Description = "fail if a section with a class does not fit it" };

var rewrite = new Command("rewrite", "Decode the device sections of a stream into objects and encode them again.") { input, output, set, strict };
rewrite.SetAction(arguments => Guarded(arguments.GetRequiredValue(input), () => Rewrite(
    arguments.GetRequiredValue(input), arguments.GetRequiredValue(output), arguments.GetValue(set) ?? [], arguments.GetValue(strict))));

var fields = new Command("fields", "Print every field of the sections that have a class.") { input };
fields.SetAction(arguments => Guarded(arguments.GetRequiredValue(input), () => FieldsCommand.Run(arguments.GetRequiredValue(input), Console.Out)));

var demo = new Command("demo", "Save a running QEMU, send its state through generated code, and let a second QEMU go on from it.");
demo.SetAction((_, cancel) => DemoCommand.RunAsync(Console.Out, cancel));

var root = new RootCommand("""
    QEMU's own devices, declared with VmStateGen's annotations.

    Examples:
      rewrite guest.mig same.mig
      rewrite guest.mig changed.mig --set i8254/channels[0].irq_disabled=1
      fields guest.mig
      demo
    """) { rewrite, fields, demo };
ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (string error in parsed.Errors.Select(error => error.Message))
        Console.Error.WriteLine(error);
    Console.Error.WriteLine("Try --help.");
    return ExitCodes.Usage;
}
return await parsed.InvokeAsync();

int Guarded(FileInfo from, Func<int> command)
{
    try
    {
        from.OpenRead().Dispose();
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine(e.Message);
        return ExitCodes.CannotOpen;
    }
    try
    {
        return command();
    }
    catch (VmStateException e)
    {
        Console.Error.WriteLine(e.Message);
        return ExitCodes.Found;
    }
    catch (FieldChangeException e)
    {
        Console.Error.WriteLine(e.Message);
        return ExitCodes.Found;
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine(e.Message);
        return ExitCodes.Peer;
    }
}

static int Rewrite(FileInfo input, FileInfo output, string[] set, bool strict)
{
    List<FieldChange> changes = [];
    foreach (string text in set)
    {
        if (FieldChange.Parse(text) is not FieldChange change)
        {
            Console.Error.WriteLine($"--set {text}: expected DEVICE/path=value");
            return ExitCodes.Usage;
        }
        changes.Add(change);
    }
    return RewriteCommand.Run(input, output, changes, strict, Console.Out, Console.Error);
}
