using System.Text;

namespace VmStateGen.Schema;

/// <summary>The names that members have on the wire where nothing else is said.</summary>
public static class WireName
{
    /// <summary>snake_case without leading underscores: <c>_rxbufSize</c> is <c>rxbuf_size</c>, <c>IRQState</c> is <c>irq_state</c>.</summary>
    public static string Of(string member)
    {
        member = member.TrimStart('_');
        var text = new StringBuilder();
        for (int i = 0; i < member.Length; i++)
        {
            char c = member[i];
            bool startsWord = i > 0 && char.IsUpper(c) && member[i - 1] != '_'
                && (!char.IsUpper(member[i - 1]) || (i + 1 < member.Length && char.IsLower(member[i + 1])));
            if (startsWord)
                text.Append('_');
            text.Append(char.ToLowerInvariant(c));
        }
        return text.ToString();
    }
}
