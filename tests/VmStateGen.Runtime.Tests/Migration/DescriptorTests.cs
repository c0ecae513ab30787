using System;
using System.IO;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Tests.Channels;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>Open files that migrate with the devices that hold them.</summary>
public sealed class DescriptorTests : IDisposable
{
    private readonly string path = Path.Combine(ChannelFixture.NewFolder(), "f");
    private readonly SafeFileHandle file;

    public DescriptorTests() => file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite);

    public void Dispose() => file.Dispose();

    [Fact]
    public void An_open_file_arrives_over_a_unix_channel()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Memory.AddBlock("a", 1 << 20);
        to.Memory.AddBlock("a", 1 << 20);
        var arrived = new FileCard();
        from.Machine.Register(new FileCard { File = file, Number = 7 }, new RegistrationOptions { Path = "0000:00:02.0" });
        from.Machine.Register(new FileCard { File = file, Number = 8 });
        to.Machine.Register(arrived, new RegistrationOptions { Path = "0000:00:02.0" });
        to.Machine.Register(new FileCard());
        from.Resume();

        var address = new UnixAddress(path + ".s");
        var destination = new MigrationDestination(to.Machine).ReceiveAsync(address);
        Vms.Wait(new Ends(new MigrationSource(from.Machine, Vms.Hasty).MigrateAsync(address), destination)).Complete();
        Assert.Equal(7, arrived.Number);

        // The same open file under another number: both have one position, and what is written through one is read through the other.
        Assert.NotEqual(file.DangerousGetHandle(), arrived.File!.DangerousGetHandle());
        RandomAccess.Write(file, "through"u8, 0);
        var read = new byte[7];
        Assert.Equal(7, RandomAccess.Read(arrived.File, read, 0));
        Assert.Equal("through"u8.ToArray(), read);
        arrived.File.Dispose();
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("file")]
    public async Task Over_another_channel_the_field_is_refused_and_the_guest_goes_on(string kind)
    {
        using var from = new BareVm();
        from.Machine.Register(new FileCard { File = file }, new RegistrationOptions { Path = "0000:00:02.0" });
        from.Resume();
        Exception error;
        if (kind == "tcp")
        {
            using var to = new BareVm();
            to.Machine.Register(new FileCard(), new RegistrationOptions { Path = "0000:00:02.0" });
            error = Vms.Migrate(from.Machine, to.Machine, Vms.Hasty, kind: kind).SourceError;
            Assert.False(to.IsRunning);
        }
        else
        {
            var saving = new MigrationSource(from.Machine, Vms.Hasty).MigrateAsync(new FileAddress(path + ".saved"));
            error = await Assert.ThrowsAsync<MigrationException>(() => saving.WaitAsync(ChannelFixture.Long));
            Assert.False(File.Exists(path + ".saved"));
        }
        Assert.Contains("0000:00:02.0/file-card › file: expected a unix: channel", error.Message, StringComparison.Ordinal);
        Assert.True(from.IsRunning);
        Assert.False(file.IsClosed);
    }

    [Fact]
    public void A_destination_whose_channel_takes_no_descriptors_refuses_the_field()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Machine.Register(new FileCard { File = file });
        to.Machine.Register(new FileCard());
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, Vms.Hasty, kind: "unix");
        Assert.Contains("file-card › file: expected a file descriptor beside the byte", ends.DestinationError.Message, StringComparison.Ordinal);
        Assert.True(from.IsRunning);
    }

    private sealed class FileCard : IVmState
    {
        public SafeFileHandle? File { get; set; }

        public byte Number { get; set; }

        public VmStateType StateType { get; } = new("file-card", 1, 1, 2) { IsSection = true, PassesDescriptors = true };

        public ReadOnlySpan<byte> Schema => default;

        public bool IsNeeded => true;

        public void Save(ref VmStateWriter writer, int version)
        {
            writer.WriteDescriptor(File, "file"u8);
            writer.WriteByte(Number);
        }

        public void Load(ref VmStateReader reader, int version)
        {
            File = reader.ReadDescriptor("file"u8);
            Number = reader.Run(1, "number:1"u8)[0];
        }

        public void Describe(ref VmDescriptionWriter writer, int version)
        {
            writer.BeginFields();
            writer.Field("file"u8, "fd"u8, 1);
            writer.Field("number"u8, "uint8"u8, 1);
            writer.EndFields();
        }
    }
}
