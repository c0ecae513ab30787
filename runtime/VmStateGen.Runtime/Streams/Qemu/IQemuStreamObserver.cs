namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>Watches a stream that somebody else reads, to show it.</summary>
public interface IQemuStreamObserver
{
    /// <summary>An element has begun: the reader's <see cref="QemuStreamReader.Current"/>. It is the reader's owner who reads on.</summary>
    void OnElement(QemuStreamReader reader);

    /// <summary>A record of RAM was read.</summary>
    void OnRecord(in RamRecord record);
}
