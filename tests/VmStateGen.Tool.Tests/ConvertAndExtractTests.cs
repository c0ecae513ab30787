using System;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Tests;

/// <summary><c>vmstate convert</c> and <c>vmstate extract</c> as the shell runs them: exit codes, messages, and nothing half-written.</summary>
public sealed class ConvertAndExtractTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vmstate-test-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Layouts_become_each_other()
    {
        string plain = Stream("a.mig");
        Assert.Equal((0, ""), Run("convert", plain, At("m.mig"), "--to", "mapped-ram"));
        Assert.Equal((0, ""), Run("convert", At("m.mig"), At("p.mig"), "--to", "plain"));
        Assert.Equal(File.ReadAllBytes(plain), File.ReadAllBytes(At("p.mig")));
        Assert.Equal((0, ""), Run("extract", At("m.mig"), "--ram", "pc.ram", "-o", At("ram")));
        Assert.Equal((0, ""), Run("extract", plain, "--ram", "pc.ram", "-o", At("ram2")));
        Assert.Equal(Memory(), File.ReadAllBytes(At("ram")));
        Assert.Equal(Memory(), File.ReadAllBytes(At("ram2")));
        // In place: the input is read before the output gets its name.
        Assert.Equal((0, ""), Run("convert", plain, plain, "--to", "mapped-ram"));
        Assert.Equal(File.ReadAllBytes(At("m.mig")), File.ReadAllBytes(plain));
        Assert.Equal(5, folder.GetFiles().Length);
    }

    [Theory]
    [InlineData("dev", 0, "")]
    [InlineData("0000:00:01.0/dev", 0, "")]
    [InlineData("0000:00:01.0/dev#0", 0, "")]
    [InlineData("timer", 1, "there is no section timer; there are 0000:00:01.0/dev, 0000:00:02.0/nic, 0000:00:03.0/nic")]
    [InlineData("nic", 1, "nic may be 0000:00:02.0/nic or 0000:00:03.0/nic")]
    public void A_section_is_extracted_by_its_name(string name, int code, string message)
    {
        (int actual, string errors) = Run("extract", Stream("a.mig"), "--device", name, "-o", At("dev"));
        Assert.Equal(code, actual);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        if (code == 0)
            Assert.Equal([1, 2, 3, 4], File.ReadAllBytes(At("dev")));
        else
            Assert.False(File.Exists(At("dev")));
    }

    [Fact]
    public void Wrong_usage_missing_inputs_and_outputs_have_their_codes()
    {
        string plain = Stream("a.mig");
        Assert.Equal(2, Run("convert", plain, At("b")).Code);
        Assert.Equal(2, Run("convert", plain, At("b"), "--to", "zip").Code);
        Assert.Equal(2, Run("convert", plain, "-", "--to", "mapped-ram").Code);
        Assert.Equal(2, Run("extract", plain, "-o", At("b")).Code);
        Assert.Equal(2, Run("extract", plain, "--ram", "pc.ram", "--device", "dev", "-o", At("b")).Code);
        Assert.Equal(3, Run("convert", At("none"), At("b"), "--to", "plain").Code);
        Assert.Equal(3, Run("extract", At("none"), "--ram", "pc.ram", "-o", At("b")).Code);
        Assert.Equal(4, Run("convert", plain, At("no/such/folder"), "--to", "plain").Code);
        Assert.Equal(4, Run("extract", plain, "--ram", "pc.ram", "-o", folder.FullName).Code);
        Assert.Equal((1, "vmstate: " + plain + ": there is no RAM block vga; there are pc.ram\n"), Run("extract", plain, "--ram", "vga", "-o", At("b")));
        Assert.Single(folder.GetFiles());
    }

    [Fact]
    public void An_output_that_is_there_and_empty_is_written_to_and_not_replaced()
    {
        // Such a thing may be a device; a link stands for one here, because no test may risk a real one.
        string plain = Stream("a.mig");
        File.WriteAllBytes(At("empty"), []);
        File.CreateSymbolicLink(At("link"), At("empty"));
        Assert.Equal((0, ""), Run("convert", plain, At("link"), "--to", "mapped-ram"));
        Assert.NotNull(File.ResolveLinkTarget(At("link"), returnFinalTarget: false));
        Assert.Equal((0, ""), Run("convert", At("empty"), At("back"), "--to", "plain"));
        Assert.Equal(File.ReadAllBytes(plain), File.ReadAllBytes(At("back")));
        // Now it has contents, and is replaced; the link stays one.
        Assert.Equal((0, ""), Run("convert", plain, At("link"), "--to", "plain"));
        Assert.NotNull(File.ResolveLinkTarget(At("link"), returnFinalTarget: false));
        Assert.Equal(File.ReadAllBytes(plain), File.ReadAllBytes(At("empty")));

        File.WriteAllBytes(At("empty"), []);
        File.WriteAllBytes(At("bad"), File.ReadAllBytes(plain)[..^700]);
        Assert.Equal(1, Run("convert", At("bad"), At("empty"), "--to", "plain").Code);
        Assert.Equal(0, new FileInfo(At("empty")).Length);
    }

    [Fact]
    public void Damage_ends_with_1_and_a_place_and_leaves_an_older_output_alone()
    {
        byte[] good = File.ReadAllBytes(Stream("a.mig"));
        string target = At("target");
        File.WriteAllText(target, "older");
        var random = new Random(7);
        for (int round = 0; round < 300; round++)
        {
            int at = random.Next(good.Length - 1);
            byte[] damaged = round % 2 == 0 ? good[..at] : (byte[])good.Clone();
            if (round % 2 != 0)
                damaged[at] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(At("bad"), damaged);
            (int code, string errors) = round % 3 == 0
                ? Run("extract", At("bad"), "--ram", "pc.ram", "-o", target)
                : Run("convert", At("bad"), target, "--to", round % 3 == 1 ? "plain" : "mapped-ram");
            // Without its trailer it is a whole stream of an old machine type.
            bool isWhole = round % 2 != 0 || at == EofOffset(good);
            Assert.True(code == 1 || (isWhole && code == 0), $"{round}: {code} {errors}");
            Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
            if (code == 1)
                Assert.True(errors.Contains("offset 0x", StringComparison.Ordinal) || errors.Contains("found nothing of", StringComparison.Ordinal) || errors.Contains("no RAM block", StringComparison.Ordinal), errors);
            else
                File.WriteAllText(target, "older");
            Assert.Equal("older", File.ReadAllText(target));
            Assert.Equal(3, folder.GetFiles().Length);
        }
    }

    private static (int Code, string Errors) Run(params string[] args)
    {
        var output = new StringWriter { NewLine = "\n" };
        var errors = new StringWriter { NewLine = "\n" };
        int code = Program.Run(args, output, errors);
        return (code, errors.ToString());
    }

    private string At(string name) => Path.Combine(folder.FullName, name);

    private static byte[] Memory()
    {
        var memory = new byte[32 * 4096];
        for (int page = 0; page < 32; page++)
        {
            if (page is < 5 or > 28)
                new Random(page).NextBytes(memory.AsSpan(page * 4096, 4096));
        }
        return memory;
    }

    private static int EofOffset(byte[] stream)
    {
        var reader = new QemuStreamReader(new MemoryStream(stream));
        while (reader.Read() && reader.Current.Kind != QemuElementKind.Trailer)
        {
        }
        return (int)reader.Current.Offset;
    }

    private string Stream(string name)
    {
        const string Device = """{"name": "NAME", "instance_id": 0, "vmsd_name": "d", "version": 1, "fields": [{"name": "a", "type": "uint32", "size": 4}]}""";
        string[] names = ["0000:00:01.0/dev", "0000:00:02.0/nic", "0000:00:03.0/nic"];
        string devices = string.Join(", ", names.Select(n => Device.Replace("NAME", n, StringComparison.Ordinal)));
        using FileStream file = File.Create(At(name));
        var writer = new QemuStreamWriter(file);
        var ram = new RamSectionWriter(writer, 4096);
        var block = new RamBlockEntry("pc.ram", 32 * 4096);
        var section = new SectionHeader(SectionKind.Start, 1, "ram", 0, 4);
        writer.WriteHeader();
        writer.WriteConfiguration(new QemuConfiguration("pc"));
        writer.BeginSection(section);
        ram.WriteSetup([block]);
        writer.EndSection();
        writer.BeginSection(section with { Kind = SectionKind.Part });
        byte[] memory = Memory();
        for (int page = 0; page < 32; page++)
        {
            Span<byte> content = memory.AsSpan(page * 4096, 4096);
            if (content.IndexOfAnyExcept((byte)0) < 0)
                ram.WriteZeroPage(block, page * 4096);
            else
                ram.WritePage(block, page * 4096, content);
        }
        ram.WriteEndOfSection();
        writer.EndSection();
        writer.BeginSection(section with { Kind = SectionKind.End });
        ram.WriteEndOfSection();
        writer.EndSection();
        for (uint i = 0; i < names.Length; i++)
            writer.WriteSection(new SectionHeader(SectionKind.Full, 2 + i, names[i], 0, 1), [1, 2, 3, 4]);
        writer.WriteEof();
        writer.WriteTrailer(System.Text.Encoding.UTF8.GetBytes("{\"configuration\": {\"vmsd_name\": \"configuration\", \"version\": 1, \"fields\": []}, \"page_size\": 4096, \"devices\": [" + devices + "]}"));
        writer.Flush();
        return file.Name;
    }
}
