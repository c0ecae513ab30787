namespace VmStateGen.Tool;

/// <summary>What every command ends with.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>The streams differ, are damaged, or are none.</summary>
    public const int Found = 1;

    /// <summary>Wrong usage.</summary>
    public const int Usage = 2;

    /// <summary>An input cannot be opened or read by the system.</summary>
    public const int CannotOpen = 3;

    /// <summary>The peer or I/O failed.</summary>
    public const int Failed = 4;
}
