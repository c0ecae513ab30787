using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace VmStateGen.Schema;

/// <summary>A word of a line: a token without spaces, or a JSON string.</summary>
/// <param name="Text">The token, or what the string says.</param>
/// <param name="IsQuoted">It stood in double quotes.</param>
/// <param name="Column">1-based.</param>
internal readonly record struct SchemaWord(string Text, bool IsQuoted, int Column);

/// <summary>The words of one line and the next one to be read.</summary>
internal sealed class SchemaLine
{
    private readonly List<SchemaWord> words = new();
    private readonly int number;
    private readonly int end;
    private int next;

    /// <summary>Splits a line.</summary>
    /// <exception cref="SchemaException">A string is not closed or has an unknown escape.</exception>
    public SchemaLine(string text, int number)
    {
        this.number = number;
        end = text.Length + 1;
        int at = 0;
        while (at < text.Length)
        {
            if (text[at] is ' ' or '\t')
                at++;
            else if (text[at] == '"')
                words.Add(Quoted(text, ref at));
            else
                words.Add(Token(text, ref at));
        }
    }

    public bool AtEnd => next == words.Count;

    /// <summary>The words with one space between them.</summary>
    public string Canonical => string.Join(" ", words.Select(word => word.IsQuoted ? SchemaWriter.Quote(word.Text) : word.Text));

    /// <summary>Whether the next word is that token.</summary>
    public bool IsNext(string token) => !AtEnd && !words[next].IsQuoted && words[next].Text == token;

    /// <summary>Whether the next word is a string.</summary>
    public bool IsNextQuoted => !AtEnd && words[next].IsQuoted;

    /// <summary>Consumes the token, if it is the next word.</summary>
    public bool Take(string token)
    {
        if (!IsNext(token))
            return false;
        next++;
        return true;
    }

    /// <summary>The next word, which must be a token.</summary>
    public string Token(string what) => Next(what, quoted: false);

    /// <summary>The next word, which must be a string.</summary>
    public string Quoted(string what) => Next(what, quoted: true);

    /// <summary>The next word, which must be a number of at least 0.</summary>
    public int Number(string what)
    {
        string text = Token(what);
        if (text.Length is 0 or > 10 || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value))
            throw Wrong($"{what}: expected a number, found {text}", last: true);
        return value;
    }

    /// <summary>An error at the next word, or at the one read last.</summary>
    public SchemaException Wrong(string message, bool last = false)
    {
        int word = last ? next - 1 : next;
        return new SchemaException(message, number, word < words.Count ? words[word].Column : end);
    }

    /// <summary>Checks that nothing follows.</summary>
    public void End()
    {
        if (!AtEnd)
            throw Wrong($"expected the end of the line, found {words[next].Text}; properties have a fixed order");
    }

    private string Next(string what, bool quoted)
    {
        if (AtEnd || words[next].IsQuoted != quoted)
            throw Wrong($"expected {what}{(quoted ? " in double quotes" : "")}, found {(AtEnd ? "the end of the line" : words[next].Text)}");
        return words[next++].Text;
    }

    private static SchemaWord Token(string text, ref int at)
    {
        int start = at;
        while (at < text.Length && text[at] is not (' ' or '\t'))
            at++;
        return new SchemaWord(text.Substring(start, at - start), false, start + 1);
    }

    private SchemaWord Quoted(string text, ref int at)
    {
        int start = at++;
        var value = new StringBuilder();
        while (at < text.Length && text[at] != '"')
        {
            char c = text[at++];
            if (c == '\\')
                c = Escape(text, ref at, start);
            value.Append(c);
        }
        if (at >= text.Length)
            throw new SchemaException("the string is not closed", number, start + 1);
        at++;
        return new SchemaWord(value.ToString(), true, start + 1);
    }

    private char Escape(string text, ref int at, int start)
    {
        char c = at < text.Length ? text[at++] : '\0';
        if (c is '"' or '\\' or '/')
            return c;
        if (c is 'b' or 'f' or 'n' or 'r' or 't')
            return c switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', _ => '\t' };
        if (c == 'u' && at + 4 <= text.Length
            && int.TryParse(text.Substring(at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code))
        {
            at += 4;
            return (char)code;
        }
        throw new SchemaException("expected one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX", number, start + 1);
    }
}
