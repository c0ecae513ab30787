using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Live;

/// <summary>Tells what passes of a stream: the machine, RAM by rounds and, if all is asked for, each section and command.</summary>
/// <param name="log">Where to.</param>
/// <param name="hasAll">Sections, commands, EOF and trailer, too.</param>
/// <param name="arrow">In front of each line.</param>
internal sealed class StreamWatch(LiveLog log, bool hasAll, string arrow = "") : IQemuStreamObserver
{
    private const int PagesBetweenLooks = 256;

    private readonly Dictionary<RamBlockEntry, int> order = new(ReferenceEqualityComparer.Instance);
    private (int Block, long Offset) last = (-1, -1);
    private long pagesOfAll = 1;
    private int pageSize;
    private int round;
    private long pages;
    private long zeros;
    private long bytes;
    private bool isRamEnding;
    private long position;

    /// <summary>Bytes of the stream that were seen.</summary>
    public long Position => position;

    /// <summary>Rounds so far: passes over RAM, each from lower places to higher ones.</summary>
    public int Rounds => round;

    public void OnElement(QemuStreamReader reader)
    {
        QemuStreamElement element = reader.Current;
        position = element.Offset;
        bool isRam = element.Kind == QemuElementKind.Section && IsRam(element.Section);
        if (isRamEnding && !isRam)
            EndRound();
        isRamEnding = isRam && element.Section.Kind == SectionKind.End;
        switch (element.Kind)
        {
            case QemuElementKind.Configuration:
                QemuConfiguration configuration = reader.Configuration!;
                log.Say("configuration", $"{arrow}machine {configuration.MachineType}", json => json.WriteString("machine", configuration.MachineType));
                break;
            case QemuElementKind.Section when isRam && element.Section.Kind == SectionKind.Start:
                Start(reader);
                break;
            case QemuElementKind.Section when hasAll && !isRam:
                Section(element, reader.DataLength);
                break;
            case QemuElementKind.Command when hasAll:
                string name = Name(element.Command!);
                log.Say("command", $"{arrow}{name}", json =>
                {
                    json.WriteString("command", element.Command!.Id.ToString());
                    if (element.Command.Value is { } value)
                        json.WriteNumber("value", value);
                });
                break;
            case QemuElementKind.Eof when hasAll:
                log.Say("eof", $"{arrow}EOF", json => json.WriteNumber("offset", element.Offset));
                break;
            case QemuElementKind.Trailer when hasAll:
                long length = reader.DataLength;
                log.Say("trailer", $"{arrow}trailer, {SizeText.Of(length)}", json => json.WriteNumber("bytes", length));
                break;
        }
    }

    public void OnRecord(in RamRecord record)
    {
        position = record.Offset;
        if (record.Block is not { } block)
            return;
        (int, long) place = (order[block], record.PageOffset);
        if (place.CompareTo(last) <= 0)
            EndRound();
        last = place;
        pages++;
        zeros += record.Kind == RamRecordKind.Zero ? 1 : 0;
        bytes += record.PayloadLength;
        if (pages % PagesBetweenLooks == 0)
            Progress();
    }

    private static bool IsRam(in SectionHeader section) => section is { Name: QemuWire.RamName, InstanceId: 0, Kind: not SectionKind.Full };

    private void Start(QemuStreamReader reader)
    {
        IReadOnlyList<RamBlockEntry> blocks = reader.Ram!.Blocks;
        foreach (RamBlockEntry block in blocks)
            order.Add(block, order.Count);
        long total = blocks.Sum(block => block.UsedLength);
        pageSize = reader.Ram.PageSize;
        pagesOfAll = Math.Max(1, total / pageSize);
        round = 1;
        log.Say("ram", $"{arrow}RAM of {SizeText.Of(total)} in {blocks.Count} blocks", json =>
        {
            json.WriteNumber("bytes", total);
            json.WriteNumber("blocks", order.Count);
            json.WriteNumber("page_size", pageSize);
        });
    }

    private void EndRound()
    {
        if (pages > 0)
        {
            log.Say("round", $"{arrow}round {round}: {SizeText.Count(pages)} pages, {SizeText.Count(zeros)} of them zeros, {SizeText.Of(bytes)}", json =>
            {
                json.WriteNumber("round", round);
                json.WriteNumber("pages", pages);
                json.WriteNumber("zero_pages", zeros);
                json.WriteNumber("payload", bytes);
            });
            round++;
        }
        last = (-1, -1);
        (pages, zeros, bytes) = (0, 0, 0);
    }

    private void Progress() => log.Progress(
        () =>
        {
            double fraction = (double)pages / pagesOfAll;
            string size = SizeText.Of(position);
            // Only of the first round it is known how long it gets.
            return round == 1 ? $"{LiveLog.Bar(fraction)} {100 * fraction,3:0} %, {size}" : $"round {round}, {SizeText.Count(pages)} pages, {size}";
        },
        json =>
        {
            json.WriteNumber("bytes", position);
            json.WriteNumber("round", round);
            json.WriteNumber("pages", pages);
            json.WriteNumber("total_pages", pagesOfAll);
        });

    private void Section(in QemuStreamElement element, long length)
    {
        SectionHeader section = element.Section;
        string kind = section.Kind.ToString().ToLowerInvariant();
        string guess = element.IsGuessed ? ", end guessed" : "";
        log.Say("section", $"{arrow}section {section} {kind}, version {section.Version}, {SizeText.Of(length)}{guess}", json =>
        {
            json.WriteString("name", section.Name);
            json.WriteNumber("instance", section.InstanceId);
            json.WriteString("kind", kind);
            json.WriteNumber("bytes", length);
        });
    }

    private static string Name(QemuCommand command) => command.Id switch
    {
        QemuCommandId.Ping => $"PING {command.Value}",
        QemuCommandId.Packaged => $"PACKAGED, {SizeText.Of(command.PackageLength)}",
        _ => command.Id.ToString(),
    };
}
