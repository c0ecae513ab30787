using System.Globalization;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>Makes the one exception that a bad stream leads to.</summary>
internal static class Fault
{
    /// <summary><c>what: expected X, found Y at offset 0x…</c>; the section's name is put in front on the way up.</summary>
    public static VmStateException At(string what, string expected, string found, long offset)
    {
        var fault = new VmStateException(expected, found, offset);
        fault.Within(what);
        return fault;
    }

    public static string Hex(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);
}
