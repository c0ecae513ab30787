using System.Linq;

namespace VmStateGen.Schema.Tests;

/// <summary>The text form, to the letter.</summary>
public class TextTests
{
    private const string Golden = """
        Acme.Descriptor @state "descriptor" version 1 min 1
        Acme.E1000 @section "e1000" version 3 min 1 priority default hooks before-save,after-load
        Acme.E1000#000 "rxbuf_size" u32
        Acme.E1000#003 "mit_timer" u16 since 2 default 0
        Acme.E1000#003.1 "mode" Acme.Mode
        Acme.E1000#004 "legacy" u8 until 2
        Acme.E1000#005 "flash" u32 when HasFlash
        Acme.E1000#006 "eeprom" u16[64]
        Acme.E1000#007 "ring" Acme.Descriptor[] count "desc_count" max 256 struct-version 1
        Acme.E1000#008 "requests" list<Acme.Request> max 1024 element-version 1
        Acme.E1000#009 "maps" tree<u64,Acme.Mapping> max 4096
        Acme.E1000#010 "pending" bitmap[1024]
        Acme.E1000#011 "config" bytes[256] codec Acme.PciConfig/1
        Acme.E1000#012 "mmio_base" pad[4]
        Acme.E1000#013 "mac_reg[RDTR]" u32 element 5
        Acme.E1000#014 "mac_reg" u32[32768] in "e1000/full_mac_state"
        Acme.E1000#015 "version_id" i32 not-above
        Acme.E1000#016 "regs" Acme.FpReg[8] via Acme.FpTmp
        Acme.E1000#017 "part" u8[4,8] range 2..33
        Acme.E1000#018 "vectors" bytes[] count @Vectors max 2048
        Acme.E1000#019 "rings" Acme.Descriptor[4] every
        Acme.E1000 @subsection "e1000/full_mac_state" version 1 min 1 needed FullMacNeeded
        Acme.E1000 @subsection "e1000/mit" Acme.MitState version 1 min 1 needed MitNeeded
        Acme.E1000 @subsection "e1000/tx" version 2 min 0 present hasTx
        Acme.E1000 @removed-subsection "e1000/foo" Acme.FooV1
        Acme.Mode @enum u8 Off=0 On=1

        """;

    [Fact]
    public void The_text_of_the_documentation_is_read_and_written_to_the_letter() =>
        Assert.Equal(Golden.ReplaceLineEndings("\n"), SchemaWriter.Write(SchemaParser.Parse(Golden)));

    [Fact]
    public void It_says_what_the_model_holds()
    {
        StateSchema device = SchemaParser.Parse(Golden).Find("Acme.E1000")!;

        Assert.Equal(("e1000", true, 3, 1, "default"), (device.Name, device.IsSection, device.Version, device.MinimumVersion, device.Priority));
        Assert.Equal(["before-save", "after-load"], device.Hooks);
        Assert.Equal((2, "0"), (Item("mit_timer").Since, Item("mit_timer").Default));
        Assert.Equal(new WireShape.Scalar(ScalarKind.U8, "Acme.Mode"), Item("mode").Shape);
        Assert.Equal(("desc_count", 256, 1), (Item("ring").Count, Item("ring").Max, Item("ring").StructVersion));
        Assert.Equal(("Acme.PciConfig", 1), (Item("config").Codec, Item("config").CodecVersion));
        Assert.Equal((2, "@Vectors"), (Item("part").RangeStart, Item("vectors").Count));
        Assert.Equal((Expectation.NotAbove, NullMarking.Every), (Item("version_id").Expect, Item("rings").Nulls));
        Assert.Null(device.Subsections[0].Type);
        Assert.Equal(("Acme.MitState", "MitNeeded"), (device.Subsections[1].Type, device.Subsections[1].Needed));
        Assert.Equal("hasTx", device.Subsections[2].Present);

        WireItem Item(string name) => device.Items.Single(item => item.Name == name);
    }

    [Theory]
    [InlineData(@"""a\u0041\n\t\/\\\""b""", "aA\n\t/\\\"b")]
    [InlineData(@"""\b\f\r""", "\b\f\r")]
    public void Names_have_the_escapes_of_JSON(string quoted, string name) =>
        Assert.Equal(name, SchemaParser.Parse($"A @state {quoted} version 1 min 1").Find("A")!.Name);

    [Theory]
    [InlineData("Acme.A", 1, 7, "expected @section, @state, @subsection, @removed-subsection, @removed-section or @enum")]
    [InlineData("Acme.A @section", 1, 16, "expected the name in double quotes, found the end of the line")]
    [InlineData("Acme.A @section e1000", 1, 17, "expected the name in double quotes, found e1000")]
    [InlineData("Acme.A @section \"e1000", 1, 17, "the string is not closed")]
    [InlineData("Acme.A @section \"e\\x\"", 1, 17, "expected one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")]
    [InlineData("Acme.A @section \"e\" min 1", 1, 21, "expected version")]
    [InlineData("Acme.A @section \"e\" version x min 1", 1, 29, "version: expected a number, found x")]
    [InlineData("Acme.A @section \"e\" version 99999999999 min 1", 1, 29, "version: expected a number, found 99999999999")]
    [InlineData("Acme.A @section \"e\" version -1 min 1", 1, 29, "version: expected a number, found -1")]
    [InlineData("\n\nAcme.A @section \"e\" version 1 min 1 hooks a priority x", 3, 45, "expected the end of the line, found priority; properties have a fixed order")]
    [InlineData("\"quoted\" @section", 1, 1, "expected a type's key, found quoted")]
    [InlineData("Acme.A#x \"a\" u8", 1, 1, "expected an ordinal such as 003 or 003.1 behind #")]
    [InlineData("Acme.A#001 a u8", 1, 12, "expected the field's name in double quotes, found a")]
    [InlineData("Acme.A#001 \"a\"", 1, 15, "expected what it is, found the end of the line")]
    [InlineData("Acme.A#001 \"a\" u8[x]", 1, 16, "expected a length, found x")]
    [InlineData("Acme.A#001 \"a\" u8[4", 1, 16, "expected ] behind the length")]
    [InlineData("Acme.A#001 \"a\" u8[4]]", 1, 16, "expected a length, found 4]")]
    [InlineData("Acme.A#001 \"a\" bytes", 1, 16, "expected a length behind bytes: bytes[8]")]
    [InlineData("Acme.A#001 \"a\" pad[]", 1, 16, "expected a length behind pad: pad[8]")]
    [InlineData("Acme.A#001 \"a\" list<>", 1, 16, "expected list<Type> or tree<key,Type>")]
    [InlineData("Acme.A#001 \"a\" map<u64,A>", 1, 16, "expected list<Type> or tree<key,Type>")]
    [InlineData("Acme.A#001 \"a\" u8[4] range 1-4", 1, 28, "expected a range such as 0..31")]
    [InlineData("Acme.A#001 \"a\" u8[4] range 1..5", 1, 28, "the range has 5 elements, u8[4] has 4")]
    [InlineData("Acme.A#001 \"a\" u8 codec Acme.C", 1, 25, "expected the codec as Type/version")]
    [InlineData("Acme.A#001 \"a\" u8 until 3 since 1", 1, 27, "expected the end of the line, found since; properties have a fixed order")]
    [InlineData("Acme.A @enum u7", 1, 14, "expected the underlying type: u8, i8, … i64")]
    [InlineData("Acme.A @enum u8 Off", 1, 17, "expected Name=value")]
    [InlineData("Acme.A#001 \"a\" u8", 1, 1, "Acme.A has items, but no @section or @state line")]
    [InlineData("<<<<<<< ours", 1, 9, "expected @section, @state, @subsection, @removed-subsection, @removed-section or @enum")]
    public void What_cannot_be_read_is_an_error_at_its_place(string text, int line, int column, string problem)
    {
        SchemaException e = Assert.Throws<SchemaException>(() => SchemaParser.Parse(text));

        Assert.Equal((line, column, problem), (e.Line, e.Column, e.Problem));
        Assert.Equal($"line {line}, column {column}: {problem}", e.Message);
    }

    [Theory]
    [InlineData("A#001 \"a\" u8", "A#001 \"a\" u16")]
    [InlineData("A#001 \"a\" u8", "A#1 \"b\" u8")]
    [InlineData("A @state \"a\" version 1 min 1", "A @state \"a\" version 2 min 1")]
    [InlineData("A @state \"a\" version 1 min 1", "A @section \"a\" version 1 min 1")]
    [InlineData("A @subsection \"a/b\" version 1 min 1", "A @subsection \"a/b\" version 2 min 1")]
    [InlineData("A @removed-subsection \"a/b\" X", "A @removed-subsection \"a/b\" Y")]
    [InlineData("A @enum u8 Off=0", "A @enum u8 Off=1")]
    public void Two_different_lines_under_one_key_are_an_error_that_names_both(string first, string second)
    {
        SchemaException e = Assert.Throws<SchemaException>(() => SchemaParser.Parse($"# header\n{first}\n\n{second}"));

        Assert.Equal((4, $"a second line for one key; line 2 says: {first}"), (e.Line, e.Problem));
    }
}
