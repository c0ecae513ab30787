using System.IO;

namespace VmStateGen.Tool.Commands;

/// <summary>An input that must be read more than once, or not in its order: a pipe goes through a file first.</summary>
internal static class SeekableInput
{
    private const int CopyChunk = 1024 * 1024;

    /// <param name="path">The STREAM argument.</param>
    /// <param name="beside">The output: where it has room, the input has too.</param>
    /// <exception cref="InputException">The system does not open or read it.</exception>
    public static Stream Open(string path, string beside)
    {
        Stream stream = StreamInput.Open(path);
        if (stream.CanSeek)
            return stream;
        using (stream)
        {
            FileStream scratch = OutputFile.Scratch(beside);
            try
            {
                var chunk = new byte[CopyChunk];
                while (Read(path, stream, chunk) is > 0 and var count)
                    scratch.Write(chunk, 0, count);
                scratch.Position = 0;
                return scratch;
            }
            catch
            {
                scratch.Dispose();
                throw;
            }
        }
    }

    private static int Read(string path, Stream stream, byte[] chunk)
    {
        try
        {
            return stream.Read(chunk);
        }
        catch (IOException e)
        {
            throw new InputException(path, e);
        }
    }
}
