using System;
using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Live;

/// <summary>
/// Tells what happens while it happens: lines of text, or JSON with an object a line; and on a terminal a line that is written over. Any
/// thread may speak.
/// </summary>
internal sealed class LiveLog(ToolOutput output, bool isJson)
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly TimeSpan StatusPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ProgressPause = TimeSpan.FromSeconds(1);

    private readonly object gate = new();
    private readonly long started = Stopwatch.GetTimestamp();
    private TimeSpan nextProgress;
    private bool hasStatus;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(started);

    /// <summary>Something happened.</summary>
    /// <param name="kind">Its name in JSON.</param>
    /// <param name="text">The line for a reader.</param>
    /// <param name="members">What JSON says of it beside the time.</param>
    public void Say(string kind, string text, Action<Utf8JsonWriter>? members = null)
    {
        lock (gate)
        {
            EraseStatus();
            Write(isJson ? Json(kind, members) : ToolOutput.Safe(text));
        }
    }

    /// <summary>How far it is; shown ten times a second at most, and in JSON once.</summary>
    public void Progress(Func<string> text, Action<Utf8JsonWriter> members)
    {
        lock (gate)
        {
            TimeSpan now = Elapsed;
            if (now < nextProgress || !(isJson || output.Status != null))
                return;
            nextProgress = now + (isJson ? ProgressPause : StatusPause);
            if (isJson)
            {
                Write(Json("progress", members));
                return;
            }
            output.Status!.Write($"\r{ToolOutput.Safe(text())}\u001b[K");
            output.Status.Flush();
            hasStatus = true;
        }
    }

    /// <summary>The end of it, whatever that is; JSON's last line.</summary>
    public void Failed(string message, int code)
    {
        lock (gate)
        {
            EraseStatus();
            if (isJson)
                Write(Json("failed", json =>
                {
                    json.WriteString("error", message);
                    json.WriteNumber("code", code);
                }));
        }
    }

    /// <summary>A bar of 24 characters.</summary>
    public static string Bar(double fraction)
    {
        const int Width = 24;
        int full = (int)(Width * Math.Clamp(fraction, 0, 1));
        return $"[{new string('#', full)}{new string('.', Width - full)}]";
    }

    private void EraseStatus()
    {
        if (hasStatus)
            output.Status!.Write("\r\u001b[K");
        hasStatus = false;
    }

    private void Write(string line)
    {
        output.Writer.WriteLine(line);
        // Somebody waits for it: for the address that is listened on, if nothing else.
        output.Writer.Flush();
    }

    private string Json(string kind, Action<Utf8JsonWriter>? members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("event", kind);
            json.WriteNumber("seconds", Math.Round(Elapsed.TotalSeconds, 3));
            members?.Invoke(json);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
