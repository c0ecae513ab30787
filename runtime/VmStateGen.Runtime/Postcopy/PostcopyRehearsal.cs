using System;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>A postcopy migration within the process, of a few pages of a snapshot, to a destination that loads nothing.</summary>
internal static class PostcopyRehearsal
{
    private const int Pages = 256;

    public static void Run(PostcopySnapshot snapshot, PostcopyServeOptions options)
    {
        var few = snapshot.Contents.Select(static all => FirstOf(all)).ToArray();
        var server = new PostcopyServer(snapshot, options with { Resume = false });
        var (main, mainPeer) = SocketChannel.CreatePair();
        var (preempt, preemptPeer) = options.Preempt ? SocketChannel.CreatePair() : (null, null);
        using var link = new PostcopyLink(main, preempt);
        var peers = new[] { new Thread(() => TakeMain(mainPeer, snapshot)), new Thread(() => Drain(preemptPeer)) };
        foreach (var peer in peers)
            peer.Start();
        server.Rehearse(link, few);
        link.Dispose();
        foreach (var peer in peers)
            peer.Join();
    }

    private static DirtyBitmap FirstOf(DirtyBitmap all)
    {
        var few = new DirtyBitmap(all.PageCount, all.PageSize);
        var page = all.FindNext(0);
        for (var i = 0; i < Pages && page >= 0; i++)
        {
            few.Set(page);
            page = all.FindNext(page + 1);
        }
        return few;
    }

    /// <summary>Reads what a destination would, asks for the first page of each block, and is content.</summary>
    private static void TakeMain(Channel channel, PostcopySnapshot snapshot)
    {
        using (channel)
        {
            try
            {
                var sections = snapshot.Sections;
                var stream = new QemuIncomingStream(channel.AsStream());
                stream.ReadPreamble();
                var ram = new RamSectionReader(new RamSectionFormat(snapshot.PageSize, AdvisedPageSizes: ulong.MaxValue));
                var skip = sections.BeforeRam.Length;
                while (true)
                {
                    var element = stream.Read();
                    switch (element.Kind)
                    {
                        case QemuElementKind.Eof:
                            channel.Write(ReturnPathMessage.Shut(0).ToBytes());
                            return;
                        case QemuElementKind.Command when element.Command!.Id == QemuCommandId.PostcopyAdvise:
                            Skip(stream, skip);
                            break;
                        case QemuElementKind.Command when element.Command!.Id == QemuCommandId.Packaged:
                            Skip(stream, element.Command.PackageLength);
                            channel.Write(ReturnPathMessage.Pong(PostcopySender.LoadedPing).ToBytes());
                            foreach (var (name, length) in snapshot.Blocks)
                            {
                                if (length > 0)
                                    channel.Write(ReturnPathMessage.Request(new PageRequest(name, 0, (uint)snapshot.PageSize)).ToBytes());
                            }
                            break;
                        case QemuElementKind.Section when element.Section.Kind == SectionKind.Start:
                            ram.ReadSetup(stream.Cursor);
                            stream.FinishSection();
                            Skip(stream, sections.AfterRam.Length);
                            break;
                        case QemuElementKind.Section:
                            while (ram.ReadRecord(stream.Cursor, out _))
                            {
                            }
                            break;
                    }
                }
            }
            catch (Exception e) when (e is ChannelException or VmStateException)
            {
                // The source is told nothing, and fails for whoever rehearses to see.
            }
        }
    }

    private static void Skip(QemuIncomingStream stream, long count)
    {
        while (count > 0)
        {
            var piece = (int)Math.Min(count, 4096);
            stream.Cursor.Peek(piece, "rehearsal");
            stream.Cursor.Skip(piece, "rehearsal");
            count -= piece;
        }
    }

    private static void Drain(Channel? channel)
    {
        if (channel is null)
            return;
        using (channel)
        {
            var waste = new byte[64 << 10];
            try
            {
                while (channel.Read(waste) > 0)
                {
                }
            }
            catch (ChannelException)
            {
                // It was closed with all in it unread; nobody needs it.
            }
        }
    }
}
