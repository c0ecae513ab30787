using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Text;
using VmStateGen.Schema;
using VmStateGen.Tool.Rendering;
using VmStateGen.Tool.Schemas;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate baseline</c>: keeps the files that record what releases write.</summary>
internal static class BaselineCommand
{
    private const string MergeRule = BaselineSet.UnshippedName + " merge=union";

    public static Command Create()
    {
        var release = new Argument<string>("RELEASE") { Description = "the release as SemVer: 1.3, 2.0.0-rc.1" };
        return new Command("baseline", """
            Keep a project's VmState.*.txt files: what each supported release writes, and what has changed since.

            Without --write it says what would change, and ends with 1 if something would. With it, all files are written or none.

            Examples:
              vmstate baseline init --assembly bin/Release/net10.0/Devices.dll --write
              vmstate baseline accept --assembly bin/Release/net10.0/Devices.dll --write
              vmstate baseline ship 1.3 --assembly bin/Release/net10.0/Devices.dll --write
              vmstate baseline prune --assembly bin/Release/net10.0/Devices.dll
            """)
        {
            Make("init", "Create the files, and the rule that lets git merge them.", null, (run, _) => run.Init()),
            Make("accept", "Record the assembly's schema in VmState.Unshipped.txt.", null, (run, _) => run.Accept()),
            Make("ship", "Make what is recorded the baseline of a release.", release, (run, name) => run.Ship(name!)),
            Make("prune", "Delete the files below the support window, and list what of the code only they need.", null, (run, _) => run.Prune()),
        };
    }

    private static Command Make(string name, string text, Argument<string>? release, Func<Session, string?, int> body)
    {
        var assembly = new Option<string>("--assembly") { Description = "the project's assembly, built from the sources as they are", HelpName = "FILE", Required = true };
        var project = new Option<string>("--project") { Description = "the folder with the project and its VmState.*.txt files", HelpName = "FOLDER", DefaultValueFactory = _ => "." };
        var write = new Option<bool>("--write") { Description = "write the files" };
        var command = new Command(name, text) { assembly, project, write };
        if (release != null)
            command.Add(release);
        command.SetAction(arguments => ToolCommand.Run(arguments, output =>
        {
            string folder = arguments.GetRequiredValue(project);
            if (!Directory.Exists(folder))
                throw new InputException(folder, new DirectoryNotFoundException("there is no such folder"));
            AssemblySchema schema = AssemblySchema.Read(arguments.GetRequiredValue(assembly));
            var run = new Session(output, folder, schema, Load(folder), arguments.GetValue(write));
            return body(run, release == null ? null : arguments.GetRequiredValue(release));
        }));
        return command;
    }

    private static BaselineSet Load(string folder)
    {
        var files = new List<(string, string)>();
        foreach (string path in Directory.EnumerateFiles(folder, "VmState.*.txt").Where(BaselineSet.IsBaseline).Order(StringComparer.Ordinal))
        {
            try
            {
                files.Add((Path.GetFileName(path), File.ReadAllText(path)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InputException(path, e);
            }
        }
        return BaselineSet.Load(files);
    }

    /// <summary>One run over a project.</summary>
    private sealed class Session(ToolOutput output, string folder, AssemblySchema assembly, BaselineSet files, bool isWritten)
    {
        public int Init()
        {
            if (files.Shipped != null || files.Unshipped != null)
            {
                output.Problem($"{folder}: there is a baseline already; accept records changes");
                return ExitCodes.Found;
            }
            if (!IsWhole(isTwinAllowed: false))
                return ExitCodes.Found;
            var edits = new List<BaselineEdit>
            {
                new(BaselineSet.ShippedName, BaselineEditor.Empty),
                new(BaselineSet.UnshippedName, BaselineEditor.Accept(files, assembly.Schemas)),
            };
            if (Attributes() is BaselineEdit attributes)
                edits.Add(attributes);
            return Apply(edits);
        }

        public int Accept() => IsWhole(isTwinAllowed: true)
            ? Apply([new BaselineEdit(BaselineSet.UnshippedName, BaselineEditor.Accept(files, assembly.Schemas))])
            : ExitCodes.Found;

        public int Ship(string release)
        {
            if (!IsWhole(isTwinAllowed: false))
                return ExitCodes.Found;
            Finding? stale = files.Check(assembly.Schemas, CompatibilityDirection.Backward, assembly.Oldest).Findings
                .FirstOrDefault(finding => finding.Verdict == Verdict.Error || finding.Rule is CompatibilityRule.NotRecorded or CompatibilityRule.NotInCode);
            if (stale != null)
            {
                output.Problem($"{stale.Type}{(stale.Path.Length == 0 ? "" : "/" + stale.Path)}: {stale.Message}; a release must be what is recorded, and load what it must");
                return ExitCodes.Found;
            }
            try
            {
                return Apply(BaselineEditor.Ship(files, release));
            }
            catch (ArgumentException e)
            {
                output.Problem(e.Message.Split(" (Parameter")[0]);
                return ExitCodes.Usage;
            }
        }

        public int Prune()
        {
            if (!IsWhole(isTwinAllowed: false))
                return ExitCodes.Found;
            IReadOnlyList<Deletable> found = Pruning.Find(files, assembly.Schemas, assembly.Oldest);
            foreach (Deletable entry in found.Where(entry => entry.Type != null))
                output.Writer.WriteLine($"{entry.Type}: {entry.Subject}: {entry.Reason}");
            int code = Apply([.. found.Where(entry => entry.Type == null).Select(entry => new BaselineEdit(entry.Subject, null))]);
            // What of the code can go is for its author to delete.
            return found.Any(entry => entry.Type != null) ? ExitCodes.Found : code;
        }

        /// <summary>Two lines of one key in Unshipped are what two branches leave; the code says which ordinals they get.</summary>
        private bool IsWhole(bool isTwinAllowed)
        {
            List<BaselineProblem> wrong = [.. files.Problems.Where(problem =>
                !(isTwinAllowed && problem.Kind == BaselineProblemKind.Duplicate && problem.File == BaselineSet.UnshippedName))];
            foreach (BaselineProblem problem in wrong)
                output.Problem(problem.Line > 0 ? $"{problem.File}({problem.Line},{problem.Column}): {problem.Message}" : $"{problem.File}: {problem.Message}");
            foreach (string missing in assembly.Missing)
                output.Problem($"{missing} is in none of the assemblies beside the project's, so its lines would be missing");
            if (!assembly.Schemas.States.Any())
                output.Problem("the assembly has no [VmState] type or was built without the generator");
            return wrong.Count == 0 && assembly.Missing.Count == 0 && assembly.Schemas.States.Any();
        }

        private BaselineEdit? Attributes()
        {
            string path = Path.Combine(folder, ".gitattributes");
            string text = File.Exists(path) ? File.ReadAllText(path) : "";
            if (text.Split('\n').Any(line => line.Trim() == MergeRule))
                return null;
            return new BaselineEdit(".gitattributes", text + (text.Length > 0 && !text.EndsWith('\n') ? "\n" : "") + MergeRule + "\n");
        }

        /// <summary>All files are written beside the old ones first, so that a full disk leaves them as they were.</summary>
        private int Apply(IReadOnlyList<BaselineEdit> edits)
        {
            List<BaselineEdit> changes = [.. edits.Where(edit => !IsSame(edit))];
            foreach (BaselineEdit edit in changes)
                output.Writer.WriteLine($"{(isWritten ? "" : "would ")}{(edit.Text == null ? "delete" : "write")} {Path.Combine(folder, edit.Name)}");
            if (!isWritten || changes.Count == 0)
                return changes.Count == 0 ? ExitCodes.Done : ExitCodes.Found;
            var ready = new List<(string From, string To)>();
            try
            {
                foreach (BaselineEdit edit in changes.Where(edit => edit.Text != null))
                {
                    string to = Path.Combine(folder, edit.Name), from = $"{to}.{Path.GetRandomFileName()}";
                    ready.Add((from, to));
                    File.WriteAllText(from, edit.Text, new UTF8Encoding(false));
                }
                foreach ((string from, string to) in ready)
                    File.Move(from, to, overwrite: true);
                foreach (BaselineEdit edit in changes.Where(edit => edit.Text == null))
                    File.Delete(Path.Combine(folder, edit.Name));
            }
            finally
            {
                foreach ((string from, _) in ready)
                    File.Delete(from);
            }
            return ExitCodes.Done;
        }

        private bool IsSame(BaselineEdit edit)
        {
            string path = Path.Combine(folder, edit.Name);
            if (edit.Text == null || !File.Exists(path))
                return edit.Text == null && !File.Exists(path);
            string text = File.ReadAllText(path);
            return text == edit.Text || (BaselineSet.IsBaseline(edit.Name) && BaselineEditor.IsSame(text, edit.Text));
        }
    }
}
