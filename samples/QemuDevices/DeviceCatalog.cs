using System.Collections.Generic;
using VmStateGen;

namespace QemuDevices;

/// <summary>The sections that have a class.</summary>
public static class DeviceCatalog
{
    /// <summary>Fresh devices that a section of that vmsd may be, one for each configuration; none if it has no class.</summary>
    public static IEnumerable<IVmState> Candidates(string vmsdName)
    {
        if (vmsdName == "i8254")
            yield return new I8254();
        if (vmsdName == "ps2kbd")
            yield return new Ps2Keyboard();
    }
}
