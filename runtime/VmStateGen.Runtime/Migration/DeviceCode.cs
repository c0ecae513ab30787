using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;

namespace VmStateGen.Runtime.Migration;

/// <summary>
/// Has the devices' code compiled before the guest is stopped. A just-in-time compiler takes some 50 ms for the devices of a stock machine, all of
/// it downtime (docs/performance.md, "The gap"). Nothing is run: hooks of devices least of all. For the runtime's own code there is
/// <see cref="MigrationRehearsal"/>.
/// </summary>
/// <remarks>Code that it does not know of is compiled when it runs, as ever: a codec, what a hook calls.</remarks>
internal static class DeviceCode
{
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    // What devices call, for either end.
    private static readonly Type[] Saving = [typeof(VmStateWriter), typeof(VmDescriptionWriter), typeof(BigEndian), typeof(StateArrays)];
    private static readonly Type[] Loading = [typeof(VmStateReader), typeof(BigEndian), typeof(StateArrays)];

    // A method of a device that takes one of these is for the other end.
    private static readonly Type[] NotSaving = [typeof(VmStateReader).MakeByRefType()];
    private static readonly Type[] NotLoading = [typeof(VmStateWriter).MakeByRefType(), typeof(VmDescriptionWriter).MakeByRefType()];

    // What generated code does with arrays: an element that is no object has code of its own.
    private static readonly Type[] ArrayCode = [typeof(BigEndian), typeof(StateArrays), typeof(VmStateWriter), typeof(VmStateReader)];

    private static readonly ConditionalWeakTable<Type, Prepared> Done = [];
    private static readonly ConditionalWeakTable<Type, Prepared> ArraysDone = [];

    /// <summary>For which end a type's code was compiled.</summary>
    private sealed class Prepared
    {
        public bool Saves;
        public bool Loads;
    }

    /// <summary>What a source needs, on a thread of its own: the guest runs meanwhile.</summary>
    public static Task PrepareSaving(Machine machine) => Start(machine, isSaving: true);

    /// <summary>What a destination needs, while it waits for its source.</summary>
    public static Task PrepareLoading(Machine machine) => Start(machine, isSaving: false);

    /// <summary>The same on this thread.</summary>
    public static void Prepare(Machine machine, bool isSaving)
    {
        foreach (var type in isSaving ? Saving : Loading)
        {
            if (IsFirst(Done, type, isSaving))
                PrepareMethods(type);
        }
        var types = new Queue<Type>();
        foreach (var section in machine.Sections)
        {
            if (section.Device != null)
                types.Enqueue(section.Device.GetType());
        }
        while (types.TryDequeue(out var type))
        {
            if (IsFirst(Done, type, isSaving))
                PrepareState(type, isSaving, types);
        }
    }

    private static Task Start(Machine machine, bool isSaving)
    {
        // Code that was compiled ahead, as by Native AOT, is there.
        if (!RuntimeFeature.IsDynamicCodeCompiled)
            return Task.CompletedTask;
        return MigrationThread.Run("device code", () =>
        {
            try
            {
                Prepare(machine, isSaving);
            }
            catch (Exception)
            {
                // A type that cannot be looked into, such as one with a field of a missing assembly, is no reason not to migrate.
            }
            return true;
        });
    }

    private static bool IsFirst(ConditionalWeakTable<Type, Prepared> done, Type type, bool isSaving)
    {
        var prepared = done.GetOrCreateValue(type);
        lock (prepared)
        {
            var isDone = isSaving ? prepared.Saves : prepared.Loads;
            (prepared.Saves, prepared.Loads) = (prepared.Saves || isSaving, prepared.Loads || !isSaving);
            return !isDone;
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "What was trimmed is not called, and needs no compiling.")]
    private static void PrepareMethods(Type type)
    {
        foreach (var method in type.GetMethods(Declared))
            Prepare(method);
    }

    /// <summary>A device or a part of one, with what it is made of.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "What was trimmed is not called, and needs no compiling.")]
    private static void PrepareState(Type type, bool isSaving, Queue<Type> types)
    {
        foreach (var method in type.GetMethods(Declared))
        {
            if (!Array.Exists(method.GetParameters(), parameter => Array.IndexOf(isSaving ? NotSaving : NotLoading, parameter.ParameterType) >= 0))
                Prepare(method);
        }
        foreach (var field in type.GetFields(Declared))
            PrepareField(field.FieldType, isSaving, types);
        if (type.BaseType is { } parent && typeof(IVmState).IsAssignableFrom(parent))
            types.Enqueue(parent);
    }

    private static void PrepareField(Type type, bool isSaving, Queue<Type> types)
    {
        if (typeof(IVmState).IsAssignableFrom(type))
            types.Enqueue(type);
        foreach (var element in type.HasElementType ? [type.GetElementType()!] : type.GenericTypeArguments)
        {
            if (element.IsValueType && !element.ContainsGenericParameters && IsFirst(ArraysDone, element, isSaving))
                PrepareArrays(element);
            PrepareField(element, isSaving, types);
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "What was trimmed is not called, and needs no compiling.")]
    private static void PrepareArrays(Type element)
    {
        foreach (var type in ArrayCode)
        {
            foreach (var method in type.GetMethods(Declared))
            {
                if (method.IsGenericMethodDefinition && method.GetGenericArguments().Length == 1)
                    Prepare(method, element.TypeHandle);
            }
        }
    }

    private static void Prepare(MethodInfo method, params RuntimeTypeHandle[] arguments)
    {
        if (method.IsAbstract || method.ContainsGenericParameters != arguments.Length > 0 || method.DeclaringType!.ContainsGenericParameters)
            return;
        try
        {
            RuntimeHelpers.PrepareMethod(method.MethodHandle, arguments.Length > 0 ? arguments : null);
        }
        catch (Exception)
        {
            // An element that the method is not for; and whatever is wrong with other code is found when it runs.
        }
    }
}
