using System.CommandLine;
using System.Linq;
using VmStateGen.Schema;
using VmStateGen.Tool.Rendering;
using VmStateGen.Tool.Schemas;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate schema</c>: what an assembly's types put on the wire.</summary>
internal static class SchemaCommand
{
    public static Command Create()
    {
        var assembly = new Argument<string>("ASSEMBLY.dll") { Description = "an assembly with [VmState] types; it is read, not run" };
        var type = new Option<string?>("--type") { Description = "only this type: Acme.Uart", HelpName = "NAME" };
        var command = new Command("schema", """
            Print the schema of an assembly's state types as baseline text, with what of the assemblies beside it they reach.

            Examples:
              vmstate schema bin/Debug/net10.0/Devices.dll
              vmstate schema Devices.dll --type Acme.Uart
            """) { assembly, type };
        command.SetAction(arguments => ToolCommand.Run(arguments, output => Run(output, arguments.GetRequiredValue(assembly), arguments.GetValue(type))));
        return command;
    }

    private static int Run(ToolOutput output, string path, string? type)
    {
        AssemblySchema assembly = AssemblySchema.Read(path);
        if (!assembly.Schemas.States.Any())
        {
            output.Problem($"{path}: no type has a schema; the assembly has no [VmState] type or was built without the generator");
            return ExitCodes.Found;
        }
        if (type != null)
        {
            if (assembly.Schemas.Find(type) is not StateSchema state)
            {
                output.Problem($"{path}: there is no state type {type}; without --type all are printed");
                return ExitCodes.Found;
            }
            output.Writer.Write(SchemaWriter.Write(state));
            return ExitCodes.Done;
        }
        output.Writer.Write(SchemaWriter.Header + "\n" + SchemaWriter.Write(assembly.Schemas));
        foreach (string missing in assembly.Missing)
            output.Problem($"{path}: {missing} is in none of the assemblies beside it");
        return assembly.Missing.Count == 0 ? ExitCodes.Done : ExitCodes.Found;
    }
}
