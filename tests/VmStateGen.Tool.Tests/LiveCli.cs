using System;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace VmStateGen.Tool.Tests;

/// <summary>A command that goes on while the test does something else, as in another terminal.</summary>
internal sealed class LiveCli
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly SharedWriter output = new();
    private readonly SharedWriter errors = new();
    private readonly Task<int> run;

    private LiveCli(string[] args) => run = Task.Factory.StartNew(() => Program.Run(args, output, errors), TaskCreationOptions.LongRunning);

    public static LiveCli Start(params string[] args) => new(args);

    public string Output => output.ToString();

    public string Errors => errors.ToString();

    /// <summary>The address that the command says it listens on.</summary>
    public string Address() => Wait("listening on ");

    /// <summary>Waits for a line that has these words, and returns what follows them.</summary>
    public string Wait(string words)
    {
        for (DateTime end = DateTime.UtcNow + Limit; DateTime.UtcNow < end; Thread.Sleep(5))
        {
            string said = Output;
            int at = said.IndexOf(words, StringComparison.Ordinal);
            int line = at < 0 ? -1 : said.IndexOf('\n', at);
            if (line >= 0)
                return said[(at + words.Length)..line].TrimEnd('\r');
            if (run.IsCompleted)
                break;
        }
        throw new TimeoutException($"'{words}' was not said: {Output}{Errors}");
    }

    /// <summary>Waits for its end.</summary>
    public async Task<int> CodeAsync()
    {
        int code = await run.WaitAsync(Limit);
        Assert.DoesNotContain("   at ", Errors, StringComparison.Ordinal);
        return code;
    }

    /// <summary>Waits for its end, which must be a good one.</summary>
    public async Task DoneAsync() => Assert.True(await CodeAsync() == 0, $"{Output}{Errors}");

    private sealed class SharedWriter : StringWriter
    {
        private readonly object gate = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value)
        {
            lock (gate)
                base.Write(value);
        }

        public override void Write(char[] buffer, int index, int count)
        {
            lock (gate)
                base.Write(buffer, index, count);
        }

        public override void Write(ReadOnlySpan<char> buffer)
        {
            lock (gate)
                base.Write(buffer);
        }

        public override void Write(string? value)
        {
            lock (gate)
                base.Write(value);
        }

        public override void WriteLine(string? value)
        {
            lock (gate)
                base.WriteLine(value);
        }

        public override string ToString()
        {
            lock (gate)
                return base.ToString();
        }
    }
}
