namespace VmStateGen;

/// <summary>
/// An encoding that no annotation can say (QEMU's own VMStateInfo). The class carries <see cref="VmStateCodecAttribute"/>;
/// its members are static, so that generated code calls them directly.
/// </summary>
/// <typeparam name="T">Type of the member.</typeparam>
public interface IVmStateCodec<T>
{
    /// <summary>Writes the value, at most the attribute's maximum size.</summary>
    static abstract void Save(ref VmStateWriter writer, in T value);

    /// <summary>Reads into <paramref name="value"/>, which holds the member's current value; reuse what it has.</summary>
    /// <exception cref="VmStateException">The bytes are not such a value.</exception>
    static abstract void Load(ref VmStateReader reader, ref T value);

    /// <summary>Bytes that <see cref="Save"/> would write.</summary>
    static abstract int Measure(in T value);
}
