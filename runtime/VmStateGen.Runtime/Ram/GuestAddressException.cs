using System;

namespace VmStateGen.Runtime.Ram;

/// <summary>A range of guest physical addresses is not RAM, wholly or in part.</summary>
public sealed class GuestAddressException : Exception
{
    internal GuestAddressException(ulong address, long length, string message)
        : base(message)
    {
        Address = address;
        Length = length;
    }

    /// <summary>Guest physical address of the range that was asked for.</summary>
    public ulong Address { get; }

    /// <summary>Its length in bytes.</summary>
    public long Length { get; }
}
