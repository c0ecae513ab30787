using System;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace VmStateGen;

/// <summary>The errors that generated code raises; out of line, so that nothing of them is on the fast path.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class VmStateErrors
{
    /// <summary>State or a subsection of a version that this build does not load (or save).</summary>
    public static VmStateException Version(int found, int minimum, int current, long offset)
    {
        string range = minimum == current ? $"version {current}" : $"a version from {minimum} to {current}";
        string hint = found > current ? " (a newer release wrote it)" : " (support for it was dropped)";
        return new VmStateException(range, $"version {found}{hint}", offset);
    }

    /// <summary>A subsection that the type does not have.</summary>
    [DoesNotReturn]
    public static void ThrowUnknownSubsection(ReadOnlySpan<byte> name, int version, long offset) => throw new VmStateException(
        "a subsection that this type declares", $"\"{Encoding.UTF8.GetString(name)}\" version {version} (a newer release wrote it)", offset);

    /// <summary>An incoming value that must equal the local one does not.</summary>
    [DoesNotReturn]
    public static void ThrowNotEqual<T>(ReadOnlySpan<byte> field, T expected, T found, long offset) =>
        throw Named(field, new VmStateException($"{expected}, the value of this side", $"{found}", offset));

    /// <summary>An incoming value that must lie in 0 to the local one does not.</summary>
    [DoesNotReturn]
    public static void ThrowAbove<T>(ReadOnlySpan<byte> field, T most, T found, long offset) =>
        throw Named(field, new VmStateException($"0 to {most}, the value of this side", $"{found}", offset));

    /// <summary>A value that does not fit into its narrower wire type, or on load not into the member.</summary>
    [DoesNotReturn]
    public static void ThrowRange<T>(ReadOnlySpan<byte> field, string range, T found, long offset) =>
        throw Named(field, new VmStateException(range, $"{found}", offset));

    /// <summary>A count outside 0 to its maximum.</summary>
    [DoesNotReturn]
    public static void ThrowCount(ReadOnlySpan<byte> field, long most, long found, long offset) =>
        throw Named(field, new VmStateException($"a count from 0 to {most}", $"{found}", offset));

    /// <summary>An array member that is null or too short.</summary>
    [DoesNotReturn]
    public static void ThrowArray(ReadOnlySpan<byte> field, int expected, int found, long offset) =>
        throw Named(field, new VmStateException(
            $"an array of {expected} elements", $"{(found < 0 ? "null" : found)}; the constructor must make it", offset));

    /// <summary>A string that cannot be on the wire.</summary>
    public static VmStateException Text(ReadOnlySpan<byte> field, string expected, string found, long offset) =>
        Named(field, new VmStateException(expected, found, offset));

    /// <summary>A byte before an element that is none of the markers.</summary>
    [DoesNotReturn]
    public static void ThrowMarker(ReadOnlySpan<byte> field, string expected, byte found, long offset) =>
        throw Named(field, new VmStateException(expected, $"0x{found:x2}", offset));

    /// <summary>A tree whose nodes are not as many as it said, or not in order.</summary>
    [DoesNotReturn]
    public static void ThrowTree(ReadOnlySpan<byte> field, string expected, string found, long offset) =>
        throw Named(field, new VmStateException(expected, found, offset));

    /// <summary>Nested state that does not exist.</summary>
    public static VmStateException Missing(long offset) => new("nested state", "null; the constructor must make it", offset);

    /// <summary>A file descriptor that cannot be sent, or did not come.</summary>
    public static VmStateException Descriptor(ReadOnlySpan<byte> field, string expected, string found, long offset) =>
        Named(field, new VmStateException(expected, found, offset));

    /// <summary>A [Validate] method returned false.</summary>
    public static VmStateException Invalid(string reason, long offset) => new(reason, offset);

    /// <summary>A hook threw: the migration fails with its reason.</summary>
    public static VmStateException Hook(string method, Exception exception, long offset) =>
        new($"{method} failed: {exception.Message}", offset, exception);

    /// <summary>A wire name, as part of a path.</summary>
    private static VmStateException Named(ReadOnlySpan<byte> name, VmStateException exception)
    {
        exception.Within(Encoding.UTF8.GetString(name));
        return exception;
    }
}
