using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace VmStateGen.Parsing;

/// <summary>Attributes of ours where nothing reads them: the type that they stand in is not [VmState].</summary>
public static class StrayAttributes
{
    private static readonly string[] OnTypes = { "Subsection", "Removed", "RemovedSubsection" };
    private static readonly string[] OnMembers =
        { "Field", "Subsection", "Removed", "Parent", "Validate", "BeforeSave", "AfterSave", "BeforeLoad", "AfterLoad" };

    /// <summary>Reports each member of the type once, and the type itself once.</summary>
    public static void Check(INamedTypeSymbol type, ProblemSink sink, CancellationToken cancel = default)
    {
        if (TypeParser.IsState(type))
            return;
        Report(type, type, type, OnTypes, sink);
        foreach (ISymbol member in type.GetMembers())
        {
            cancel.ThrowIfCancellationRequested();
            // Of a property its backing field is read too ([field: Field]); it reports at the property.
            if (member is not ITypeSymbol)
                Report((member as IFieldSymbol)?.AssociatedSymbol ?? member, member, type, OnMembers, sink);
        }
    }

    private static void Report(ISymbol shown, ISymbol carrier, INamedTypeSymbol type, string[] names, ProblemSink sink)
    {
        string? name = carrier.GetAttributes().Select(AttributeReader.NameOf).FirstOrDefault(name => names.Contains(name));
        if (name is not null)
            sink.Report(DefinitionRule.NotState, sink.WantsLocations ? shown.Locations.FirstOrDefault() : null, shown.Name, name, type.Name);
    }
}
