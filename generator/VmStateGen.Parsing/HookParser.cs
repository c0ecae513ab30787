using System.Linq;
using Microsoft.CodeAnalysis;

namespace VmStateGen.Parsing;

/// <summary>Finds the hook methods of a type.</summary>
internal sealed class HookParser(TypeParser parser)
{
    public HookModel Parse()
    {
        IMethodSymbol? afterLoad = Find("AfterLoad", takesVersion: true);
        return new HookModel(
            Name(Find("BeforeSave")),
            Name(Find("AfterSave")),
            Name(Find("BeforeLoad")),
            Name(afterLoad),
            afterLoad is { Parameters.Length: 1 });
    }

    private static string? Name(IMethodSymbol? method) => method is null ? null : WireNames.Escaped(method.Name);

    private IMethodSymbol? Find(string attribute, bool takesVersion = false)
    {
        IMethodSymbol? found = null;
        foreach (IMethodSymbol method in parser.Type.GetMembers().OfType<IMethodSymbol>().Where(method => AttributeReader.Has(method, attribute)))
        {
            if (found is not null)
                parser.Report(DefinitionRule.DuplicateHook, method, parser.Type.Name, attribute, found.Name, method.Name);
            found = method;
            bool hasParameters = method.Parameters.Length == 0
                || (takesVersion && method.Parameters.Length == 1 && TypeParser.IsVersion(method.Parameters[0]));
            if (!hasParameters || method.IsStatic || !method.ReturnsVoid || method.Arity > 0 || method.IsAsync)
            {
                parser.Report(DefinitionRule.MissingMember, method, parser.Type.Name, method.Name,
                    takesVersion ? Signatures.VersionedHook : Signatures.Hook);
            }
        }
        return found;
    }
}
