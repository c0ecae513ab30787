using System.CommandLine;
namespace VmStateGen.Tool.Commands;
internal static class ScaffoldCommand { public static Command Create() => new("scaffold"); }
