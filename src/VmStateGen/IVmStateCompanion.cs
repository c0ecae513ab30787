namespace VmStateGen;

/// <summary>
/// State that is on the wire in another member's place (<see cref="FieldAttribute.Via"/>, QEMU's WITH_TMP): a
/// <see cref="VmStateAttribute"/> type that copies to and from the member. A struct costs no allocation.
/// </summary>
/// <typeparam name="T">Type of the member, or of its elements.</typeparam>
public interface IVmStateCompanion<T>
{
    /// <summary>Takes over what is to be written, and before a load what an incoming value is compared with.</summary>
    void CopyFrom(in T value);

    /// <summary>Puts what was loaded into the member.</summary>
    /// <exception cref="VmStateException">It cannot be what the member holds.</exception>
    void CopyTo(ref T value);
}
