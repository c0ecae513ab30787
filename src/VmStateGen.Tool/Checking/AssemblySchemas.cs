using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using VmStateGen.Schema;

namespace VmStateGen.Tool.Checking;

/// <summary>Reads the schemas that the generator wrote into an assembly. Nothing of it is run or loaded.</summary>
internal static class AssemblySchemas
{
    /// <summary>The assembly's schemas, and of those beside it what they are made of.</summary>
    /// <exception cref="BadImageFormatException">It is no .NET assembly.</exception>
    /// <exception cref="SchemaException">It was built by another VmStateGen.</exception>
    public static SchemaSet Read(string path, byte[] bytes)
    {
        var set = new SchemaSet();
        IReadOnlyList<string> references = Read(bytes, set, _ => true);
        // Nested state of other assemblies; only files beside this one are its own.
        string? folder = Path.GetDirectoryName(Path.GetFullPath(path));
        foreach (string reference in references.Select(name => Path.Combine(folder ?? "", name + ".dll")).Where(File.Exists))
        {
            HashSet<string> reached = set.States.SelectMany(SchemaReach.TypesOf).Where(key => set.Find(key) is null).ToHashSet();
            if (reached.Count > 0)
                Read(File.ReadAllBytes(reference), set, state => !state.IsSection || reached.Contains(state.Key));
        }
        return set;
    }

    private static List<string> Read(byte[] bytes, SchemaSet set, Func<StateSchema, bool> isWanted)
    {
        using var image = new PEReader(ImmutableArray.Create(bytes));
        if (!image.HasMetadata)
            throw new BadImageFormatException("a program, but no .NET assembly");
        MetadataReader metadata = image.GetMetadataReader();
        foreach (CustomAttributeHandle handle in metadata.CustomAttributes)
        {
            CustomAttribute attribute = metadata.GetCustomAttribute(handle);
            switch (NameOf(metadata, attribute))
            {
                case "VmStateSchemaAttribute":
                    Add(Arguments(metadata, attribute, 1)[0], set, isWanted);
                    break;
                case "RemovedSectionAttribute":
                    string[] arguments = Arguments(metadata, attribute, 2);
                    // A type is written as its name, and that of another assembly with the assembly's.
                    set.Add(new RemovedSectionSchema(arguments[0], arguments[1].Split(',')[0]));
                    break;
            }
        }
        return metadata.AssemblyReferences.Select(reference => metadata.GetString(metadata.GetAssemblyReference(reference).Name)).ToList();
    }

    private static void Add(string text, SchemaSet set, Func<StateSchema, bool> isWanted)
    {
        SchemaSet own = SchemaParser.Parse(text);
        foreach (StateSchema state in own.States.Where(isWanted))
            set.Add(state);
        foreach (EnumSchema value in own.Enums)
            set.Add(value);
    }

    private static string? NameOf(MetadataReader metadata, CustomAttribute attribute)
    {
        EntityHandle type = attribute.Constructor.Kind switch
        {
            HandleKind.MemberReference => metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent,
            HandleKind.MethodDefinition => metadata.GetMethodDefinition((MethodDefinitionHandle)attribute.Constructor).GetDeclaringType(),
            _ => default,
        };
        (StringHandle space, StringHandle name) = type.Kind switch
        {
            HandleKind.TypeReference when metadata.GetTypeReference((TypeReferenceHandle)type) is var reference => (reference.Namespace, reference.Name),
            HandleKind.TypeDefinition when metadata.GetTypeDefinition((TypeDefinitionHandle)type) is var definition => (definition.Namespace, definition.Name),
            _ => default,
        };
        return !name.IsNil && metadata.StringComparer.Equals(space, "VmStateGen") ? metadata.GetString(name) : null;
    }

    private static string[] Arguments(MetadataReader metadata, CustomAttribute attribute, int count)
    {
        BlobReader blob = metadata.GetBlobReader(attribute.Value);
        if (blob.ReadUInt16() != 1)
            throw new BadImageFormatException("an attribute of VmStateGen that cannot be read");
        var arguments = new string[count];
        for (int i = 0; i < count; i++)
            arguments[i] = blob.ReadSerializedString() ?? "";
        return arguments;
    }
}
