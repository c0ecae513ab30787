namespace VmStateGen.Generator.Emit;

/// <summary>Calls of the author's hooks: whatever they throw becomes a reason why the migration failed.</summary>
internal static class HookCode
{
    public static void Call(SourceWriter source, string? method, string arguments, string offset)
    {
        if (method is null)
            return;
        source.Block("try", () => source.Line($"this.{method}({arguments});"));
        source.Block($"catch (global::System.Exception e) when (e is not {Names.Exception})", () =>
            source.Line($"throw {Names.Errors}.Hook({SourceWriter.Quote(method.TrimStart('@'))}, e, {offset});"));
    }
}
