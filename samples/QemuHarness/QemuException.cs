using System;

namespace VmStateGen.Qemu;

/// <summary>A QEMU did not do what was asked of it. The message carries what it said on the way.</summary>
public class QemuException : Exception
{
    public QemuException(string message)
        : base(message)
    {
    }

    public QemuException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}

/// <summary>A QMP command was refused, got no answer in time, or lost its connection.</summary>
public sealed class QmpException : QemuException
{
    public QmpException(string command, string message, string? errorClass = null)
        : base($"QMP command '{command}': {message}")
    {
        Command = command;
        ErrorClass = errorClass;
    }

    /// <summary>The command that failed.</summary>
    public string Command { get; }

    /// <summary>QEMU's error class such as <c>GenericError</c>; null where no answer came at all.</summary>
    public string? ErrorClass { get; }
}

/// <summary>A migration ended in another state than <c>completed</c>.</summary>
public sealed class QemuMigrationException : QemuException
{
    public QemuMigrationException(string status, string message)
        : base(message)
        => Status = status;

    /// <summary>The state it ended in, in QEMU's words: <c>failed</c>, <c>cancelled</c>, or <c>lost</c> if the process went away.</summary>
    public string Status { get; }
}
