using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Tool.Live;

namespace VmStateGen.Tool.Commands;

/// <summary><c>vmstate serve</c>: guests start from a file, and its pages follow as they are touched.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "a stream of QEMU's or ours; a mapped-ram file starts at once, a plain one is indexed first" };
        var uris = new Argument<string[]>("URI") { Description = "where a destination listens, one for each guest: tcp:HOST:PORT, unix:PATH", Arity = ArgumentArity.OneOrMore };
        uris.Validators.Add(CheckAddresses);
        var preempt = new Option<bool>("--preempt") { Description = "a second connection for the pages that the guest waits for; the destination needs postcopy-preempt" };
        var bandwidth = Size("--bandwidth", "bytes per second of pages that nobody has asked for; K, M, G", "SIZE");
        var pageSizes = new Option<(string? Block, int Size)[]>("--page-size")
        {
            Description = "page size of a block at the destination, if it has huge pages; without BLOCK= of the largest one",
            HelpName = "[BLOCK=]SIZE",
            CustomParser = ParsePageSizes,
            AllowMultipleArgumentsPerToken = false,
            Arity = ArgumentArity.OneOrMore,
        };
        var recover = new Option<string[]>("--recover") { Description = "where to connect after a cut, one for each URI; else the same again", HelpName = "URI", Arity = ArgumentArity.OneOrMore };
        recover.Validators.Add(CheckAddresses);
        var timeout = Seconds("--recover-timeout", "give up when the destination does not listen again so many seconds after a cut; 0: at once");
        var resume = new Option<bool>("--resume") { Description = "the guest runs there already and is paused: go on where another serve has ended" };
        var noIndex = new Option<bool>("--no-index") { Description = "do not look for the index of a plain stream, and keep none" };
        Option<double> wait = LiveCommand.Wait();
        Option<bool> json = LiveCommand.Json();
        var command = new Command("serve", """
            Start guests from a file in QEMUs that wait for a postcopy migration. The device state goes first and the guest runs; pages that it
            touches are served as it asks for them, the others are pushed meanwhile. Several guests may start from one file at once.

            When a link is lost the guest runs on up to the next page that it lacks. Tell its QEMU migrate-recover (out of band) with an address,
            by default the same one: it is connected to as soon as it listens, and nothing is lost.

            Examples:
              qemu-system-x86_64 ... -incoming defer          then: migrate_set_capability postcopy-ram on, migrate_incoming unix:/tmp/a.sock
              vmstate serve guest.mapped unix:/tmp/a.sock
              vmstate serve guest.mapped unix:/tmp/a.sock unix:/tmp/b.sock --preempt
              vmstate serve guest.mig tcp:host:4444 --bandwidth 100M --recover tcp:host:4445
              vmstate serve guest.mapped unix:/tmp/a.sock --page-size pc.ram=2M
            """) { file, uris, preempt, bandwidth, pageSizes, recover, timeout, resume, noIndex, wait, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(recover) is { Length: > 0 } given && result.GetValue(uris) is { } all && given.Length != all.Length)
                result.AddError("--recover is given once for each URI, in the same order, or not at all.");
        });
        command.SetAction(arguments => LiveCommand.Run(arguments, arguments.GetValue(json), (log, token) => new ServeJob(log, token)
        {
            File = arguments.GetRequiredValue(file),
            Addresses = [.. arguments.GetRequiredValue(uris).Select(ChannelAddress.Parse)],
            RecoveryAddresses = [.. (arguments.GetValue(recover) ?? []).Select(ChannelAddress.Parse)],
            PageSizes = arguments.GetValue(pageSizes) ?? [],
            IndexPath = arguments.GetValue(noIndex) ? "" : null,
            Options = new PostcopyServeOptions
            {
                Preempt = arguments.GetValue(preempt),
                MaxBandwidth = arguments.GetValue(bandwidth),
                Resume = arguments.GetValue(resume),
                RecoveryTimeout = arguments.GetValue(timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : Timeout.InfiniteTimeSpan,
                Connect = Connect(arguments.GetValue(wait)),
            },
        }.Run()));
        return command;
    }

    private static ConnectOptions Connect(double wait)
        => wait > 0 ? new ConnectOptions { Retry = true, Timeout = TimeSpan.FromSeconds(wait) } : ConnectOptions.Default;

    private static void CheckAddresses(SymbolResult result)
    {
        foreach (Token one in result.Tokens)
        {
            try
            {
                if (ChannelAddress.Parse(one.Value) is not (TcpAddress or UnixAddress))
                    result.AddError($"{one.Value}: a guest is served over tcp: or unix:, which can be connected to again.");
            }
            catch (FormatException e)
            {
                result.AddError(e.Message);
            }
        }
    }

    private static Option<long> Size(string name, string description, string help)
    {
        var option = new Option<long>(name) { Description = description, HelpName = help };
        option.CustomParser = result =>
        {
            if (TrySize(result.Tokens[0].Value, out long size))
                return size;
            result.AddError($"{name} is a number of bytes, such as 100M.");
            return 0;
        };
        return option;
    }

    private static Option<double?> Seconds(string name, string description)
    {
        var option = new Option<double?>(name) { Description = description, HelpName = "SECONDS" };
        option.CustomParser = result =>
        {
            if (double.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0 and < 1e6)
                return seconds;
            result.AddError($"{name} is a number of seconds.");
            return null;
        };
        return option;
    }

    private static (string? Block, int Size)[] ParsePageSizes(ArgumentResult result)
    {
        var sizes = new (string?, int)[result.Tokens.Count];
        for (int i = 0; i < sizes.Length; i++)
        {
            string text = result.Tokens[i].Value;
            int equals = text.LastIndexOf('=');
            if (!TrySize(text[(equals + 1)..], out long size) || size is < 4096 or > 1 << 30 || !long.IsPow2(size))
            {
                result.AddError("--page-size is a power of two from 4K to 1G, such as 2M or pc.ram=2M.");
                return [];
            }
            sizes[i] = (equals < 0 ? null : text[..equals], (int)size);
        }
        return sizes;
    }

    private static bool TrySize(string text, out long size)
    {
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch
        {
            'K' => 10,
            'M' => 20,
            'G' => 30,
            _ => 0,
        };
        bool isNumber = long.TryParse(shift > 0 ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out size) && size <= long.MaxValue >> shift;
        size <<= shift;
        return isNumber;
    }
}
