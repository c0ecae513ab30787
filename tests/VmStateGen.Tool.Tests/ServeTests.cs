using System;
using System.IO;
using System.Linq;

namespace VmStateGen.Tool.Tests;

/// <summary>What <c>vmstate serve</c> says before anybody is connected to. What it does then is seen with a real QEMU.</summary>
public sealed class ServeTests : FolderTest
{
    [Theory]
    [InlineData("exec:cat", "served over tcp: or unix:")]
    [InlineData("nonsense", "nonsense")]
    [InlineData("unix:/tmp/a", "--page-size is a power of two", "--page-size", "pc.ram=3M")]
    [InlineData("unix:/tmp/a", "--bandwidth is a number of bytes", "--bandwidth", "fast")]
    [InlineData("unix:/tmp/a", "--recover-timeout is a number of seconds", "--recover-timeout", "-1x")]
    [InlineData("unix:/tmp/a", "--recover is given once for each URI", "--recover", "unix:/tmp/b", "--recover", "unix:/tmp/c")]
    public void Wrong_usage_is_told(string uri, string expected, params string[] more)
    {
        (int code, string _, string errors) = Cli.Run(["serve", "file", uri, .. more]);
        Assert.Equal(2, code);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_that_the_file_does_not_have_is_wrong_usage()
    {
        (int code, string _, string errors) = Cli.Run("serve", Write("file", ToolStream.Make()), "unix:/tmp/a", "--page-size", "disk=2M", "--no-index");
        Assert.Equal(2, code);
        Assert.Contains("There is no block disk: there are pc.ram, rom.", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_cannot_be_opened()
    {
        (int code, string _, string errors) = Cli.Run("serve", PathOf("file"), "unix:/tmp/a");
        Assert.Equal(3, code);
        Assert.Contains("There is no file", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_damaged_is_found_before_anybody_is_connected_to()
    {
        (int code, string output, string errors) = Cli.Run("serve", Write("file", ToolStream.Make()[..5000]), "unix:/tmp/a");
        Assert.Equal(1, code);
        Assert.DoesNotContain("ready", output, StringComparison.Ordinal);
        Assert.Contains("the end of the stream", errors, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(PathOf("x"))!));
    }

    [Fact]
    public void It_is_ready_before_it_connects_and_fails_if_nobody_listens()
    {
        (int code, string output, string errors) = Cli.Run("serve", Write("file", ToolStream.Make()), $"unix:{PathOf("nobody")}", "--json");
        Assert.Equal(4, code);
        string[] events = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()!)];
        Assert.Equal(["indexed", "ready", "failed"], events.Where(one => one != "progress"));
        Assert.Contains("the guest has not started", errors, StringComparison.Ordinal);
        Assert.True(File.Exists(PathOf("file") + ".vmstate-index"));
    }
}
