using System;
using System.Globalization;
using System.Text;

namespace VmStateGen;

/// <summary>
/// State could not be saved or loaded. The message reads
/// <c>0000:00:03.0/e1000 › mit_state › mit_ide: expected 4 bytes, found the end of the stream after 2 at offset 0x1a2f3</c>:
/// who (device and field path), what was expected, what was found, where.
/// </summary>
/// <remarks>
/// The path is built while the exception travels up: each level of generated code adds its own name in an exception
/// filter, so that a successful load pays nothing for it. Read <see cref="Message"/> only where the exception is handled.
/// </remarks>
public sealed class VmStateException : Exception
{
    private readonly string problem;
    private string path = "";

    /// <summary>A problem of the innermost field that the filters above will name.</summary>
    /// <param name="problem">What is wrong and, where it can be said, what to do; without device, field and offset.</param>
    /// <param name="offset">Byte offset of the problem from the start of the stream (or of the buffer), -1 if there is none.</param>
    /// <param name="innerException">What the hook or the transport threw, if anything.</param>
    public VmStateException(string problem, long offset = -1, Exception? innerException = null)
        : base(problem, innerException)
    {
        this.problem = problem;
        Offset = offset;
    }

    /// <summary>What was expected and what was found.</summary>
    /// <param name="expected">A noun phrase such as <c>4 bytes</c> or <c>a version from 1 to 3</c>.</param>
    /// <param name="found">A noun phrase such as <c>version 4</c>.</param>
    /// <param name="offset">Byte offset from the start of the stream (or of the buffer), -1 if there is none.</param>
    public VmStateException(string expected, string found, long offset)
        : this($"expected {expected}, found {found}", offset)
    {
        Expected = expected;
        Found = found;
    }

    /// <summary>Section name (<c>0000:00:03.0/e1000</c>) or type name of the outermost state; empty until it is known.</summary>
    public string Device { get; private set; } = "";

    /// <summary>Wire names from the section down to the field, joined by <c> › </c>; empty if the section itself is at fault.</summary>
    public string FieldPath => path;

    /// <summary>Byte offset from the start of the stream or buffer, -1 if there is none.</summary>
    public long Offset { get; }

    /// <summary>What was expected, if the problem is of that kind.</summary>
    public string? Expected { get; }

    /// <summary>What was found, if the problem is of that kind.</summary>
    public string? Found { get; }

    /// <inheritdoc/>
    public override string Message
    {
        get
        {
            var text = new StringBuilder();
            text.Append(Device);
            if (path.Length > 0)
                text.Append(text.Length > 0 ? " › " : "").Append(path);
            text.Append(text.Length > 0 ? ": " : "").Append(problem);
            if (Offset >= 0)
                text.Append(" at offset 0x").Append(Offset.ToString("x", CultureInfo.InvariantCulture));
            return text.ToString();
        }
    }

    /// <summary>
    /// Puts <paramref name="name"/> in front of the path. Written for exception filters: <c>catch (VmStateException e) when (e.Within("mit"))</c>.
    /// </summary>
    /// <returns>Always <see langword="false"/>, so that the filter never catches.</returns>
    public bool Within(string name)
    {
        path = path.Length == 0 ? name : name + " › " + path;
        return false;
    }

    /// <summary>As <see cref="Within(string)"/> for element <paramref name="index"/> of an array.</summary>
    public bool Within(string name, int index) => Within($"{name}[{index.ToString(CultureInfo.InvariantCulture)}]");

    /// <summary>Says which device (section, or type outside a machine) it happened in; the outermost caller's name stays.</summary>
    /// <returns>Always <see langword="false"/>, for exception filters.</returns>
    public bool InDevice(string name)
    {
        Device = name;
        return false;
    }
}
