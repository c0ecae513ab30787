using System;
using System.IO;

namespace VmStateGen.Tool.Commands;

/// <summary>A result in a file: whole or not there at all.</summary>
internal static class OutputFile
{
    /// <summary>Writes beside the file and renames at the end; a failure leaves what was there before.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path);
        // A device or a FIFO is written to, not replaced.
        if (File.Exists(full) && (File.GetAttributes(full) & (FileAttributes.Device | FileAttributes.ReparsePoint)) != 0 || IsSpecial(full))
        {
            using var direct = new FileStream(full, FileMode.Open, FileAccess.Write);
            write(direct);
            return;
        }
        string unfinished = $"{full}.{Path.GetRandomFileName()}";
        try
        {
            using (FileStream stream = File.Create(unfinished))
                write(stream);
            File.Move(unfinished, full, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static bool IsSpecial(string path) => path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith("/proc/", StringComparison.Ordinal);
}
