using VmStateGen;

namespace Simulated;

/// <summary>A CPU that counts: what it has written to its pages follows from how far it is.</summary>
[VmState("sim-cpu")]
public sealed partial class CpuState
{
    [Field] private ulong count;

    /// <summary>Pages that it has written so far.</summary>
    public ulong Count => count;

    internal ref ulong CountRef => ref count;
}

/// <summary>A timer card: a device that has changed since its first release.</summary>
[VmState("timer-card", Version = 2)]
public sealed partial class TimerCard
{
    [Field] private uint control;
    [Field(Version = 2, Default = 1)] private ushort divider = 1;
    [Field(Length = 4)] private readonly ulong[] compare = new ulong[4];

    /// <summary>A tick of the machine's clock.</summary>
    public void Tick(ulong now)
    {
        control++;
        divider = (ushort)(1 + now % 7);
        compare[control % 4] = now;
    }

    /// <summary>For comparison.</summary>
    public override string ToString() => $"{control}/{divider}/{string.Join(',', compare)}";
}

/// <summary>A console: a buffer, and a line in progress that is sent only if there is one.</summary>
[VmState("console")]
public sealed partial class ConsoleCard
{
    [Field] private uint head;
    [Field(Length = 256)] private readonly byte[] buffer = new byte[256];
    [Subsection(Present = nameof(hasLine))] private readonly LineState line = new();
    [Ignore("whether the subsection is there")] private bool hasLine;

    /// <summary>A character is typed.</summary>
    public void Type(byte character)
    {
        buffer[head++ % (uint)buffer.Length] = character;
        hasLine = character != '\n';
        line.Length = hasLine ? line.Length + 1 : 0;
    }

    /// <summary>For comparison.</summary>
    public override string ToString() => $"{head}/{System.Convert.ToHexString(buffer)}/{(hasLine ? line.Length : 0)}";
}

/// <summary>The line in progress.</summary>
[VmState]
public sealed partial class LineState
{
    [Field] private uint length;

    /// <summary>Its characters.</summary>
    public uint Length
    {
        get => length;
        set => length = value;
    }
}
