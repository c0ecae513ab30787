using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Migration;

/// <summary>
/// Has the code that runs for the first time while the guest stands still compiled before. A just-in-time compiler takes some 50 ms for the devices
/// of a stock machine, all of it downtime (docs/performance.md, "The gap"). Nothing is run: hooks of devices least of all.
/// </summary>
internal static class SwitchoverCode
{
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    // What both ends do with a state, and what each does then.
    private static readonly Type[] Common = [typeof(Channel), typeof(DescriptorChannel), typeof(SocketChannel), typeof(StateSection), typeof(HandOver), typeof(ProgressKeeper)];
    private static readonly Type[] Saving = [typeof(SourceRun), typeof(StreamSender), typeof(ReturnPath), typeof(QemuStreamWriter), typeof(VmDescriptionTrailer), typeof(VmStateWriter), typeof(VmDescriptionWriter)];
    private static readonly Type[] Loading = [typeof(DestinationRun), typeof(StreamLoader), typeof(QemuIncomingStream), typeof(StreamCursor), typeof(VmStateReader)];

    // By what its methods take it is known which of a device's code saves, and which loads.
    private static readonly Type[] Writers = [typeof(VmStateWriter).MakeByRefType(), typeof(VmDescriptionWriter).MakeByRefType()];
    private static readonly Type[] Readers = [typeof(VmStateReader).MakeByRefType()];

    private static readonly ConditionalWeakTable<Type, Prepared> Done = [];

    /// <summary>What was compiled of a type.</summary>
    private sealed class Prepared
    {
        public bool Saves;
        public bool Loads;
    }

    /// <summary>What a source needs, on a thread of its own: the guest runs meanwhile.</summary>
    public static Task PrepareSaving(Machine machine) => Start(machine, isSaving: true);

    /// <summary>What a destination needs, while it waits for its source.</summary>
    public static Task PrepareLoading(Machine machine) => Start(machine, isSaving: false);

    private static Task Start(Machine machine, bool isSaving)
    {
        // Code that was compiled ahead, as by Native AOT, is there.
        if (!RuntimeFeature.IsDynamicCodeCompiled)
            return Task.CompletedTask;
        return MigrationThread.Run("switchover code", () =>
        {
            Prepare(machine, isSaving);
            return true;
        });
    }

    /// <summary>On this thread.</summary>
    internal static void Prepare(Machine machine, bool isSaving)
    {
        var types = new Queue<Type>([.. Common, .. isSaving ? Saving : Loading]);
        foreach (var section in machine.Sections)
        {
            if (section.Device != null)
                types.Enqueue(section.Device.GetType());
        }
        while (types.TryDequeue(out var type))
        {
            if (IsFirst(type, isSaving))
                Prepare(type, isSaving, types);
        }
    }

    private static bool IsFirst(Type type, bool isSaving)
    {
        var prepared = Done.GetOrCreateValue(type);
        lock (prepared)
        {
            var isDone = isSaving ? prepared.Saves : prepared.Loads;
            (prepared.Saves, prepared.Loads) = (prepared.Saves || isSaving, prepared.Loads || !isSaving);
            return !isDone;
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "What was trimmed is not called, and needs no compiling.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "As above.")]
    private static void Prepare(Type type, bool isSaving, Queue<Type> types)
    {
        var isState = typeof(IVmState).IsAssignableFrom(type);
        foreach (var method in type.GetMethods(Declared))
        {
            if (!isState || Takes(method, isSaving ? Writers : Readers))
                Prepare(method);
        }

        // Closures of the runtime; of a device what it is made of.
        foreach (var nested in isState ? [] : type.GetNestedTypes(Declared))
            types.Enqueue(nested);
        if (!isState)
            return;
        foreach (var field in type.GetFields(Declared))
            Enqueue(field.FieldType, types);
        if (type.BaseType is { } parent)
            Enqueue(parent, types);
    }

    /// <summary>Nested state, also in an array or a list.</summary>
    private static void Enqueue(Type type, Queue<Type> types)
    {
        if (type.HasElementType)
            Enqueue(type.GetElementType()!, types);
        else if (typeof(IVmState).IsAssignableFrom(type))
            types.Enqueue(type);
        foreach (var argument in type.GenericTypeArguments)
            Enqueue(argument, types);
    }

    private static bool Takes(MethodInfo method, Type[] wanted)
        => Array.Exists(method.GetParameters(), parameter => Array.IndexOf(wanted, parameter.ParameterType) >= 0);

    private static void Prepare(MethodInfo method)
    {
        if (method.IsAbstract || method.ContainsGenericParameters || method.DeclaringType!.ContainsGenericParameters)
            return;
        try
        {
            RuntimeHelpers.PrepareMethod(method.MethodHandle);
        }
        catch (Exception)
        {
            // Whatever is wrong with it is found when it runs; and if it never runs, nobody minds.
        }
    }
}
