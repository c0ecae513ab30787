using System;
using System.Globalization;
using System.Text;

namespace VmStateGen;

/// <summary>
/// Names the field at an offset of a run. The map is a UTF-8 literal in generated code, read only when a stream ends inside the
/// run: items <c>name:size</c> joined by <c>;</c>, arrays <c>name:size*count</c>, nested state <c>name{items}</c> or
/// <c>name{items}*count</c>; a backslash stands before any of <c>: ; * { } \</c> in a name.
/// </summary>
public static class RunMap
{
    /// <summary>A field of a run.</summary>
    /// <param name="Path">Wire names joined by <c> › </c>, with element indices.</param>
    /// <param name="Start">Its first byte, from the start of the run.</param>
    /// <param name="Size">Its bytes.</param>
    public readonly record struct Place(string Path, int Start, int Size);

    /// <summary>The field that byte <paramref name="offset"/> of the run belongs to; an empty path if the map does not reach so far.</summary>
    public static Place Find(ReadOnlySpan<byte> map, int offset)
    {
        var text = new Cursor(Encoding.UTF8.GetString(map));
        return Items(ref text, offset, 0, "") ?? new Place("", offset, 0);
    }

    /// <summary>Walks items up to the end of the map or a closing brace; leaves the size of all of them in the cursor.</summary>
    private static Place? Items(ref Cursor text, int offset, int start, string parent)
    {
        Place? found = null;
        int at = start;
        while (!text.AtEnd && text.Peek != '}')
        {
            string name = text.Name();
            string path = parent.Length == 0 ? name : parent + " › " + name;
            int size;
            Place? inner = null;
            int body = text.Position;
            bool nested = text.Take('{');
            if (nested)
            {
                inner = Items(ref text, offset, at, path);
                size = text.Size;
                text.Take('}');
            }
            else
            {
                text.Take(':');
                size = text.Number();
            }
            bool isArray = text.Take('*');
            int count = isArray ? text.Number() : 1;
            if (found is null && size > 0 && offset < at + size * count)
            {
                int index = (offset - at) / size;
                int elementStart = at + index * size;
                if (isArray)
                    path += $"[{index.ToString(CultureInfo.InvariantCulture)}]";
                if (nested && isArray)
                {
                    var again = new Cursor(text.Text, body);
                    again.Take('{');
                    inner = Items(ref again, offset, elementStart, path);
                }
                found = nested ? inner : new Place(path, elementStart, size);
            }
            at += size * count;
            text.Take(';');
        }
        text.Size = at - start;
        return found;
    }

    private struct Cursor(string text, int position = 0)
    {
        public readonly string Text => text;

        public int Position { get; private set; } = position;

        public int Size { get; set; }

        public readonly bool AtEnd => Position >= text.Length;

        public readonly char Peek => text[Position];

        public bool Take(char c)
        {
            if (AtEnd || Peek != c)
                return false;
            Position++;
            return true;
        }

        public string Name()
        {
            var name = new StringBuilder();
            for (; !AtEnd && Peek is not (':' or '{'); Position++)
            {
                if (Peek == '\\')
                    Position++;
                name.Append(Peek);
            }
            return name.ToString();
        }

        public int Number()
        {
            int value = 0;
            for (; !AtEnd && char.IsAsciiDigit(Peek); Position++)
                value = value * 10 + (Peek - '0');
            return value;
        }
    }
}
