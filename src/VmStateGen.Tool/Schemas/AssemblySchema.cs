using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using VmStateGen.Schema;
using VmStateGen.Tool.Commands;

namespace VmStateGen.Tool.Schemas;

/// <summary>The schema of an assembly, from the attributes that generated code carries. The assembly is read, never run.</summary>
internal sealed class AssemblySchema
{
    private readonly SchemaSet own = new();

    /// <summary>Its types and what of the assemblies beside it they reach.</summary>
    public SchemaSet Schemas { get; } = new();

    /// <summary><c>[assembly: VmStateSupport(Oldest = …)]</c>.</summary>
    public string? Oldest { get; private set; }

    /// <summary>Types that are reached and in no assembly that was found.</summary>
    public IReadOnlyList<string> Missing { get; private set; } = [];

    /// <summary>Reads an assembly.</summary>
    /// <exception cref="InputException">It cannot be opened, or is no assembly.</exception>
    public static AssemblySchema Read(string path)
    {
        var result = new AssemblySchema();
        string[] references;
        try
        {
            references = result.ReadOne(path, result.own, isMain: true);
            foreach (StateSchema state in result.own.States)
                result.Schemas.Add(state);
            foreach (EnumSchema value in result.own.Enums)
                result.Schemas.Add(value);
            foreach (RemovedSectionSchema removed in result.own.RemovedSections)
                result.Schemas.Add(removed);
            result.ReadReached(Path.GetDirectoryName(Path.GetFullPath(path))!, references);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or BadImageFormatException or SchemaException or ArgumentException or NotSupportedException)
        {
            throw new InputException(path, e);
        }
        return result;
    }

    /// <summary>Types of other assemblies that a section reaches belong to what it puts on the wire.</summary>
    private void ReadReached(string folder, IEnumerable<string> references)
    {
        var others = new SchemaSet();
        var pending = new Queue<string>(references);
        var known = new HashSet<string>(pending);
        while (MissingTypes().Length > 0 && pending.TryDequeue(out string? name))
        {
            string file = Path.Combine(folder, name + ".dll");
            if (!File.Exists(file))
                continue;
            foreach (string further in ReadOne(file, others, isMain: false).Where(known.Add))
                pending.Enqueue(further);
            for (string[] missing = MissingTypes(); missing.Any(key => others.Find(key) is not null); missing = MissingTypes())
            {
                foreach (StateSchema found in missing.Select(others.Find).OfType<StateSchema>())
                    AddWithEnums(found, others);
            }
        }
        Missing = MissingTypes();
    }

    private string[] MissingTypes() => [.. Schemas.States.SelectMany(state => SchemaReach.TypesOf(state).Concat(state.RemovedSubsections.Select(removed => removed.Type)))
        .Where(key => Schemas.Find(key) is null).Distinct()];

    private void AddWithEnums(StateSchema state, SchemaSet from)
    {
        Schemas.Add(state);
        foreach (string key in state.Items.Select(item => (item.Shape as WireShape.Scalar)?.Enum).OfType<string>())
        {
            if (from.FindEnum(key) is EnumSchema value)
                Schemas.Add(value);
        }
    }

    /// <returns>Names of the assemblies that it refers to.</returns>
    private string[] ReadOne(string path, SchemaSet into, bool isMain)
    {
        using FileStream stream = File.OpenRead(path);
        using var image = new PEReader(stream);
        if (!image.HasMetadata)
            throw new BadImageFormatException("it is no .NET assembly");
        MetadataReader reader = image.GetMetadataReader();
        if (!reader.IsAssembly)
            throw new BadImageFormatException("it is no .NET assembly");
        foreach (CustomAttribute attribute in reader.CustomAttributes.Select(reader.GetCustomAttribute))
        {
            string? name = NameOf(reader, attribute);
            if (name == "VmStateSchemaAttribute" && Fixed(attribute) is [string text])
                Add(SchemaParser.Parse(text), into);
            else if (isMain && name == "RemovedSectionAttribute" && Fixed(attribute) is [string section, string type])
                into.Add(new RemovedSectionSchema(section, TypeName(type)));
            else if (isMain && name == "VmStateSupportAttribute")
                Oldest = attribute.DecodeValue(TypeNames.Instance).NamedArguments.FirstOrDefault(argument => argument.Name == "Oldest").Value as string;
        }
        return [.. reader.AssemblyReferences.Select(handle => reader.GetString(reader.GetAssemblyReference(handle).Name))];
    }

    private static void Add(SchemaSet set, SchemaSet into)
    {
        foreach (StateSchema state in set.States)
            into.Add(state);
        foreach (EnumSchema value in set.Enums)
            into.Add(value);
    }

    private static object?[] Fixed(CustomAttribute attribute) => [.. attribute.DecodeValue(TypeNames.Instance).FixedArguments.Select(argument => argument.Value)];

    /// <summary>The name of an attribute of ours; null: of somebody else.</summary>
    private static string? NameOf(MetadataReader reader, CustomAttribute attribute)
    {
        EntityHandle type = attribute.Constructor.Kind switch
        {
            HandleKind.MemberReference => reader.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent,
            HandleKind.MethodDefinition => reader.GetMethodDefinition((MethodDefinitionHandle)attribute.Constructor).GetDeclaringType(),
            _ => default,
        };
        (StringHandle space, StringHandle name) = type.Kind switch
        {
            HandleKind.TypeReference => (reader.GetTypeReference((TypeReferenceHandle)type).Namespace, reader.GetTypeReference((TypeReferenceHandle)type).Name),
            HandleKind.TypeDefinition => (reader.GetTypeDefinition((TypeDefinitionHandle)type).Namespace, reader.GetTypeDefinition((TypeDefinitionHandle)type).Name),
            _ => default,
        };
        return !name.IsNil && reader.GetString(space) == "VmStateGen" ? reader.GetString(name) : null;
    }

    /// <summary>Without the assembly that a serialised name may end in.</summary>
    private static string TypeName(string serialised) => serialised.Split(',')[0].Trim();

    /// <summary>Types of arguments by name; ours have strings, types, flags and one enum of 4 bytes.</summary>
    private sealed class TypeNames : ICustomAttributeTypeProvider<string>
    {
        public static readonly TypeNames Instance = new();

        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

        public string GetSystemType() => "System.Type";

        public string GetSZArrayType(string elementType) => elementType + "[]";

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => reader.GetString(reader.GetTypeDefinition(handle).Name);

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
        {
            TypeReference type = reader.GetTypeReference(handle);
            return reader.GetString(type.Namespace) + "." + reader.GetString(type.Name);
        }

        public string GetTypeFromSerializedName(string name) => name;

        public PrimitiveTypeCode GetUnderlyingEnumType(string type) => PrimitiveTypeCode.Int32;

        public bool IsSystemType(string type) => type == "System.Type";
    }
}
