using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Tests.Channels;
using VmStateGen.Runtime.Tests.Streams;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>Files of which guests are started: mapped-ram as it is, plain by an index that is kept and checked.</summary>
public sealed class PostcopySnapshotTests
{
    private const int Page = SnapshotFixture.Page;

    private readonly string path = Path.Combine(ChannelFixture.NewFolder(), "file");
    private readonly Dictionary<string, byte[]> contents = SnapshotFixture.Contents(3);

    private string IndexPath => path + ".vmstate-index";

    [Fact]
    public void A_mapped_file_needs_no_index()
    {
        SnapshotFixture.WriteMapped(path, contents);
        using var snapshot = PostcopySnapshot.Open(path);
        Assert.Equal(SnapshotIndexing.None, snapshot.Indexing);
        Assert.False(File.Exists(IndexPath));
        Check(snapshot);
    }

    [Fact]
    public void The_index_of_a_plain_file_is_made_once_and_kept()
    {
        SnapshotFixture.WritePlain(path, contents);
        using (var first = PostcopySnapshot.Open(path))
        {
            Assert.Equal(SnapshotIndexing.Made, first.Indexing);
            Check(first);
        }
        using var second = PostcopySnapshot.Open(path);
        Assert.Equal(SnapshotIndexing.Kept, second.Indexing);
        Check(second);
    }

    [Theory]
    [InlineData("size")]
    [InlineData("time")]
    [InlineData("contents")]
    [InlineData("index")]
    [InlineData("cut")]
    public void An_index_that_is_stale_or_damaged_is_made_again(string what)
    {
        SnapshotFixture.WritePlain(path, contents);
        PostcopySnapshot.Open(path).Dispose();
        var changed = File.GetLastWriteTimeUtc(path);
        switch (what)
        {
            case "size":
                // The trailer of a machine that has one, and the time as it was.
                File.AppendAllText(path, "");
                using (var file = File.Open(path, FileMode.Append))
                    file.Write(new Bytes().Trailer("{\"page_size\": 4096, \"devices\": [{\"name\": \"dev\", \"instance_id\": 0, \"size\": 4, \"fields\": [{\"name\": \"data\", \"size\": 4, \"type\": \"buffer\"}]}]}").ToArray());
                File.SetLastWriteTimeUtc(path, changed);
                break;
            case "time":
                File.SetLastWriteTimeUtc(path, changed.AddSeconds(1));
                break;
            case "contents":
                contents.Clear();
                foreach (var (name, bytes) in SnapshotFixture.Contents(3))
                    contents.Add(name, Array.ConvertAll(bytes, static one => (byte)(one == 0 ? 0 : 256 - one)));
                SnapshotFixture.WritePlain(path, contents);
                File.SetLastWriteTimeUtc(path, changed);
                break;
            case "index":
                var index = File.ReadAllBytes(IndexPath);
                index[index.Length / 2] ^= 1;
                File.WriteAllBytes(IndexPath, index);
                break;
            default:
                File.WriteAllBytes(IndexPath, File.ReadAllBytes(IndexPath)[..100]);
                break;
        }
        using var snapshot = PostcopySnapshot.Open(path);
        Assert.Equal(SnapshotIndexing.Made, snapshot.Indexing);
        Check(snapshot);
    }

    [Fact]
    public void Where_nothing_can_be_written_the_index_goes_with_the_process()
    {
        SnapshotFixture.WritePlain(path, contents);
        using var snapshot = PostcopySnapshot.Open(path, new PostcopySnapshotOptions { IndexPath = Path.Combine(path, "not", "a", "folder") });
        Assert.Equal(SnapshotIndexing.MadeAndNotKept, snapshot.Indexing);
        Check(snapshot);
        using var other = PostcopySnapshot.Open(path, new PostcopySnapshotOptions { IndexPath = "" });
        Assert.Equal(SnapshotIndexing.MadeAndNotKept, other.Indexing);
    }

    [Fact]
    public void Differences_and_compressed_pages_are_in_the_index_as_they_became()
    {
        // Pages 0 and 3 of pc.ram: a difference over 0xA5, and one that was compressed and is zeros here.
        var stream = SyntheticStream.Make();
        stream = Replace(stream, [9, 9, 9], [1, 1, 0xCC]);
        stream = Replace(stream, new Bytes().Be64(3 * Page | 0x100 | 0x20).Be32(5).U8(1, 2, 3, 4, 5).ToArray(), new Bytes().Be64(3 * Page | 2 | 0x20).U8(0).ToArray());
        File.WriteAllBytes(path, stream);
        for (var i = 0; i < 2; i++)
        {
            using var snapshot = PostcopySnapshot.Open(path);
            var page = new byte[Page];
            snapshot.Pages.Read(0, 0, page);
            Assert.Equal([0xA5, 0xCC, 0xA5], page[..3]);
            snapshot.Pages.Read(0, 2 * Page, page);
            Assert.All(page, one => Assert.Equal(0x5A, one));
            Assert.Equal(2, snapshot.ContentPages);

            // What was sent early goes early, what was sent behind RAM into the package.
            Assert.Equal(4, snapshot.Sections.BeforeRam[0]);
            Assert.Contains("early", System.Text.Encoding.ASCII.GetString(snapshot.Sections.BeforeRam), StringComparison.Ordinal);
            Assert.Contains("slirp", System.Text.Encoding.ASCII.GetString(snapshot.Sections.Devices), StringComparison.Ordinal);
            Assert.Empty(snapshot.Sections.AfterRam);
        }
    }

    [Fact]
    public void A_file_that_lacks_pages_is_refused()
    {
        var stream = Replace(SyntheticStream.Make(), [9, 9, 9], [1, 1, 0xCC]);
        File.WriteAllBytes(path, Replace(stream, new Bytes().Be64(3 * Page | 0x100 | 0x20).Be32(5).U8(1, 2, 3, 4, 5).ToArray(), []));
        var error = Assert.Throws<VmStateException>(() => PostcopySnapshot.Open(path));
        Assert.Contains("ram › pc.ram: expected all 4 pages, found nothing of 1 of them", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(path)!, "*index*"));
    }

    private static byte[] Replace(byte[] stream, byte[] from, byte[] to)
    {
        var at = stream.AsSpan().IndexOf(from);
        Assert.True(at >= 0);
        return [.. stream[..at], .. to, .. stream[(at + from.Length)..]];
    }

    private void Check(PostcopySnapshot snapshot)
    {
        Assert.Equal(SnapshotFixture.Machine, snapshot.MachineType);
        Assert.Equal(SnapshotFixture.Blocks.Select(static block => (block.Name, block.UsedLength)), snapshot.Blocks);
        var random = new Random(1);
        for (var block = 0; block < snapshot.Blocks.Count; block++)
        {
            var (name, length) = snapshot.Blocks[block];
            var expected = contents[name];
            for (var at = 0L; at < length;)
            {
                // In runs of every length.
                var run = new byte[Math.Min(length - at, Page * random.Next(1, 20))];
                snapshot.Pages.Read(block, at, run);
                Assert.True(run.AsSpan().SequenceEqual(expected.AsSpan((int)at, run.Length)), $"{name} at {at}");
                at += run.Length;
            }
            for (var page = 0L; page < length / Page; page++)
                Assert.Equal(expected.AsSpan((int)(page * Page), Page).ContainsAnyExcept((byte)0), snapshot.Contents[block][page]);
        }
    }
}
