using System;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Ram;

public sealed class ZeroPageTests
{
    [Fact]
    public void Every_single_byte_counts_at_every_length()
    {
        // One byte in front and behind, and no alignment: what is not of the page does not count.
        for (var length = 0; length < 700; length++)
        {
            var bytes = new byte[length + 2];
            bytes[0] = bytes[^1] = 0xff;
            Assert.True(ZeroPage.IsZero(bytes.AsSpan(1, length)));
            for (var i = 1; i <= length; i++)
            {
                bytes[i] = 0x80;
                Assert.False(ZeroPage.IsZero(bytes.AsSpan(1, length)), $"byte {i - 1} of {length}");
                bytes[i] = 0;
            }
        }
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void Every_byte_of_a_page_counts(int size)
    {
        var page = new byte[size];
        Assert.True(ZeroPage.IsZero(page));
        for (var i = 0; i < size; i++)
        {
            page[i] = 1;
            Assert.False(ZeroPage.IsZero(page));
            page[i] = 0;
        }
    }
}
