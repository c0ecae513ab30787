using System.CommandLine;
namespace VmStateGen.Tool.Commands;
internal static class DiffCommand { public static Command Create() => new("diff"); }
