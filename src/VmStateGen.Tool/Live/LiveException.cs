using System;

namespace VmStateGen.Tool.Live;

/// <summary>A migration failed: why, what that means for the two machines, and the exit code.</summary>
internal sealed class LiveException(string message, int code, Exception? reason = null) : Exception(message, reason)
{
    public int Code { get; } = code;
}
