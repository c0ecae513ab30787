using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace VmStateGen.Schema;

/// <summary>
/// A strict reader of JSON (RFC 8259) into dictionaries, lists, strings, booleans, <see cref="long"/> or <see cref="double"/>, and null. It is here
/// because an analyzer brings its own dependencies, and one file of a known writer does not justify any.
/// </summary>
internal sealed class JsonText
{
    private const int MaxDepth = 200;

    private readonly string text;
    private int at;
    private int depth;

    private JsonText(string text) => this.text = text;

    /// <summary>Reads a whole document.</summary>
    /// <exception cref="SchemaException">With line and column.</exception>
    public static object? Parse(string text)
    {
        var reader = new JsonText(text);
        if (text.Length > 0 && text[0] == '\ufeff')
            reader.at = 1;
        object? value = reader.Value();
        reader.Space();
        if (reader.at < text.Length)
            throw reader.Wrong("expected the end");
        return value;
    }

    private object? Value()
    {
        Space();
        if (at == text.Length)
            throw Wrong("the text ends");
        switch (text[at])
        {
            case '{':
                return Object();
            case '[':
                return Array();
            case '"':
                return String();
            case 't':
                return Word("true", true);
            case 'f':
                return Word("false", false);
            case 'n':
                return Word("null", null);
            default:
                return Number();
        }
    }

    private Dictionary<string, object?> Object()
    {
        var members = new Dictionary<string, object?>();
        Open();
        if (!Take('}'))
        {
            do
            {
                Space();
                int start = at;
                if (at == text.Length || text[at] != '"')
                    throw Wrong("expected a name in double quotes");
                string name = String();
                if (!Take(':'))
                    throw Wrong("expected :");
                object? value = Value();
                if (members.ContainsKey(name))
                    throw Wrong($"\"{name}\" is there twice", start);
                members.Add(name, value);
            }
            while (Take(','));
            if (!Take('}'))
                throw Wrong("expected , or }");
        }
        depth--;
        return members;
    }

    private List<object?> Array()
    {
        var items = new List<object?>();
        Open();
        if (!Take(']'))
        {
            do
                items.Add(Value());
            while (Take(','));
            if (!Take(']'))
                throw Wrong("expected , or ]");
        }
        depth--;
        return items;
    }

    private void Open()
    {
        at++;
        if (++depth > MaxDepth)
            throw Wrong($"nested deeper than {MaxDepth}");
    }

    private string String()
    {
        var value = new StringBuilder();
        int start = at++;
        while (at < text.Length && text[at] != '"')
        {
            char c = text[at++];
            if (c < ' ')
                throw Wrong("a control character in a string", at - 1);
            value.Append(c == '\\' ? Escape() : c);
        }
        if (at == text.Length)
            throw Wrong("the string is not closed", start);
        at++;
        return value.ToString();
    }

    private char Escape()
    {
        char c = at < text.Length ? text[at++] : '\0';
        switch (c)
        {
            case '"' or '\\' or '/':
                return c;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u' when at + 4 <= text.Length && int.TryParse(text.Substring(at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code):
                at += 4;
                return (char)code;
            default:
                throw Wrong("unknown escape", at - 1);
        }
    }

    private object Number()
    {
        int start = at;
        if (At('-'))
            at++;
        int digits = at;
        while (at < text.Length && text[at] is >= '0' and <= '9')
            at++;
        if (at == digits || (text[digits] == '0' && at > digits + 1))
            throw Wrong("expected a value", start);
        bool isWhole = true;
        while (at < text.Length && text[at] is '.' or 'e' or 'E' or '+' or '-' or (>= '0' and <= '9'))
        {
            isWhole = false;
            at++;
        }
        string number = text.Substring(start, at - start);
        if (isWhole && long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole))
            return whole;
        if (double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double real) && text[at - 1] is >= '0' and <= '9')
            return real;
        throw Wrong("expected a number", start);
    }

    private object? Word(string word, object? value)
    {
        if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0)
            throw Wrong("expected a value");
        at += word.Length;
        return value;
    }

    private bool Take(char c)
    {
        Space();
        if (!At(c))
            return false;
        at++;
        return true;
    }

    private bool At(char c) => at < text.Length && text[at] == c;

    private void Space()
    {
        while (at < text.Length && text[at] is ' ' or '\t' or '\n' or '\r')
            at++;
    }

    private SchemaException Wrong(string problem, int? place = null)
    {
        int line = 1, start = 0, end = place ?? at;
        for (int i = 0; i < end; i++)
        {
            if (text[i] == '\n')
                (line, start) = (line + 1, i + 1);
        }
        return new SchemaException(problem, line, end - start + 1);
    }
}
