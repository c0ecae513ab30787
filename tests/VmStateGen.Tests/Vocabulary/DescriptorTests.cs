using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Tests.Vocabulary;

/// <summary>Open files: a byte 0x20 in the stream, and the descriptor beside it (qemu-migration.md §2.5).</summary>
public sealed partial class DescriptorTests
{
    [VmState("tap", Version = 2)]
    public sealed partial class Tap
    {
        [Field] public uint Control { get; set; }

        [Field] public SafeFileHandle? Fd { get; set; }

        [Field] public byte Mode { get; set; }

        [Field(Version = 2)] public SafeFileHandle? Vhost { get; set; }

        [AfterLoad]
        private void Reset(int version) => Vhost = version < 2 ? null : Vhost;
    }

    [VmState("taps")]
    public sealed partial class Taps
    {
        [Field(Max = 4, ElementVersion = 2)] public List<Tap> List { get; } = [];
    }

    [VmState("plain")]
    public sealed partial class Plain
    {
        [Field] private byte a;
    }

    [Fact]
    public void Each_goes_beside_a_byte_of_its_own_in_order()
    {
        using var first = Open();
        using var second = Open();
        var wire = new PassingWire();
        var writer = new VmStateWriter(wire);
        ((IVmState)new Tap { Control = 0x01020304, Fd = first, Mode = 7, Vhost = second }).Save(ref writer, 2);
        writer.Complete();
        Assert.Equal("01020304 20 07 20".Replace(" ", "", StringComparison.Ordinal), Convert.ToHexString(wire.Bytes.ToArray()));
        Assert.Equal([first, second], wire.Passed);
        Assert.Equal((4 + 1 + 1 + 1, wire.Bytes.Count), (writer.BytesWritten, (int)writer.Offset));

        var loaded = new Tap();
        var reader = new VmStateReader(wire.Input());
        ((IVmState)loaded).Load(ref reader, 2);
        Assert.Equal((0x01020304u, 7, first, second), (loaded.Control, loaded.Mode, loaded.Fd, loaded.Vhost));
        Assert.True(reader.AtEnd());
    }

    [Fact]
    public void An_older_version_has_fewer()
    {
        using var first = Open();
        var wire = new PassingWire();
        var writer = new VmStateWriter(wire);
        ((IVmState)new Tap { Fd = first, Mode = 1 }).Save(ref writer, 1);
        writer.Complete();
        Assert.Equal("000000002001", Convert.ToHexString(wire.Bytes.ToArray()));
        var loaded = new Tap();
        var reader = new VmStateReader(wire.Input());
        ((IVmState)loaded).Load(ref reader, 1);
        Assert.Equal((first, (SafeFileHandle?)null), (loaded.Fd, loaded.Vhost));
    }

    [Fact]
    public void The_byte_beside_it_may_be_any()
    {
        using var first = Open();
        var loaded = new Tap();
        var reader = new VmStateReader(new PassingInput([0, 0, 0, 0, 0xff, 1], [first]));
        ((IVmState)loaded).Load(ref reader, 1);
        Assert.Equal(first, loaded.Fd);
    }

    [Fact]
    public void Where_no_descriptor_can_go_the_field_is_refused_by_name()
    {
        using var first = Open();
        var tap = new Tap { Fd = first, Vhost = first };
        Assert.Equal("tap › fd: expected a unix: channel, which alone passes file descriptors, found a stream that cannot at offset 0x4", Refused(() => VmState.Save(tap, new byte[100])));
        Assert.Contains("tap › fd: expected a unix: channel", Refused(() => VmState.Save(tap, new MemoryStream())), StringComparison.Ordinal);
        Assert.Contains("tap › fd: expected a file descriptor beside the byte", Refused(() => VmState.Load(new Tap(), [0, 0, 0, 0, 0x20, 1, 0x20])), StringComparison.Ordinal);
        Assert.Contains("taps › list[0] › fd: expected a unix: channel", Refused(() => VmState.Save(new Taps { List = { tap } }, new byte[100])), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_open_is_refused_by_name()
    {
        var closed = Open();
        closed.Dispose();
        Assert.Contains("tap › fd: expected an open file, found null", Refused(() => VmState.Save(new Tap(), new byte[100])), StringComparison.Ordinal);
        Assert.Contains("tap › fd: expected an open file, found a handle that is closed", Refused(() => VmState.Save(new Tap { Fd = closed }, new byte[100])), StringComparison.Ordinal);
    }

    [Fact]
    public void The_type_says_that_it_has_some_and_how_long_they_are()
    {
        Assert.True(((IVmState)new Tap()).StateType.PassesDescriptors);
        Assert.True(((IVmState)new Taps()).StateType.PassesDescriptors);
        Assert.False(((IVmState)new Plain()).StateType.PassesDescriptors);
        Assert.Equal(7, VmState.MaxSize(new Tap()));
    }

    private static SafeFileHandle Open() => File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);

    private static string Refused(Action action) => Assert.Throws<VmStateException>(action).Message;

    /// <summary>Takes bytes and descriptors as a unix socket does.</summary>
    private sealed class PassingWire : VmStateOutput
    {
        private readonly byte[] window = new byte[VmStateWriter.MaxRun];

        public List<byte> Bytes { get; } = [];

        public List<SafeHandle> Passed { get; } = [];

        public VmStateInput Input() => new PassingInput([.. Bytes], Passed.Cast<SafeFileHandle>());

        public override Span<byte> Advance(int written, int size)
        {
            Bytes.AddRange(window.AsSpan(0, written));
            return window;
        }

        public override bool TryPassDescriptor(byte payload, SafeHandle descriptor)
        {
            Bytes.Add(payload);
            Passed.Add(descriptor);
            return true;
        }
    }

    private sealed class PassingInput(byte[] bytes, IEnumerable<SafeFileHandle> descriptors) : VmStateInput
    {
        private readonly Queue<SafeFileHandle> waiting = new(descriptors);
        private int start;

        public override ReadOnlySpan<byte> Advance(int consumed, int size) => bytes.AsSpan(start += consumed);

        public override SafeFileHandle? TakeDescriptor() => waiting.TryDequeue(out var descriptor) ? descriptor : null;
    }
}
