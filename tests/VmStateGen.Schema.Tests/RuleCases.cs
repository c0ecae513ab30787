using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema.Tests;

/// <summary>A pair of schemas and everything that is to be found in it.</summary>
/// <param name="Name">What changed.</param>
/// <param name="Old">The baseline, without header.</param>
/// <param name="New">The code's.</param>
/// <param name="Backward">Findings when new code loads old streams: <c>7 error Acme.Nic/mit</c>.</param>
/// <param name="Forward">Findings when old code loads new streams.</param>
public sealed record RuleCase(string Name, string Old, string New, string[] Backward, string[] Forward)
{
    public override string ToString() => Name;
}

/// <summary>Examples of every rule that two schemas decide.</summary>
public static class RuleCases
{
    private const string Nic = """
        Acme.Nic @section "nic" version 2 min 1 priority default hooks before-save,after-load
        Acme.Nic#000 "ctrl" u32
        Acme.Nic#001 "status" u32
        Acme.Nic#002 "timer" u16 since 2 default 0
        Acme.Nic#003 "eeprom" u16[64]
        Acme.Nic#004 "mode" Acme.Mode
        Acme.Nic#005 "count" u8
        Acme.Nic#006 "ring" Acme.Ring[] count "count" max 16
        Acme.Nic#007 "flash" u32 when HasFlash
        Acme.Nic#008 "unused" pad[4]
        Acme.Nic#009 "full" u32[16] in "nic/full"
        Acme.Nic#010 "blob" bytes[8] codec Acme.Blob/1
        Acme.Nic#011 "requests" list<Acme.Request> max 8 element-version 1
        Acme.Nic @subsection "nic/full" version 1 min 1 needed IsFull
        Acme.Nic @subsection "nic/mit" Acme.Mit version 1 min 1 needed HasMit
        Acme.Ring @state "ring" version 1 min 1
        Acme.Ring#000 "base" u64
        Acme.Ring#001 "head" u32
        Acme.Mit @state "nic/mit" version 1 min 1
        Acme.Mit#000 "ide" u32
        Acme.Request @state "request" version 1 min 1
        Acme.Request#000 "tag" u32
        Acme.Mode @enum u8 Off=0 On=1
        Acme.Hub @section "hub" version 1 min 1 priority default
        Acme.Hub#000 "ring" Acme.Ring

        """;

    public static IReadOnlyList<RuleCase> All { get; } = Make().ToList();

    private static IEnumerable<RuleCase> Make()
    {
        yield return Change("nothing", [], [], []);
        yield return Change("section removed", [("Acme.Hub", null)], ["1 error Acme.Hub"], []);
        yield return Change("section removed, read by another type", [("Acme.Hub @section \"hub\" version 1 min 1 priority default", "Acme.Hub @state \"hub\" version 1 min 1\nAcme.Hub @removed-section \"hub\"")], [], []);
        yield return Change("section unmigratable", [("hub\" version 1 min 1 priority default", "hub\" version 1 min 1 priority default unmigratable")], ["1 error Acme.Hub"], ["1 error Acme.Hub"]);
        yield return Change("section renamed", [("@section \"hub\"", "@section \"usb-hub\"")], ["2 error Acme.Hub"], ["2 error Acme.Hub"]);
        yield return Change("class renamed", [("Acme.Hub", "Acme.UsbHub")], [], []);
        yield return Change("nested class renamed", [("Acme.Ring", "Acme.TxRing")], [], []);
        yield return Change("version lowered", [("nic\" version 2", "nic\" version 1")], ["4 error Acme.Nic"], ["4 error Acme.Nic"]);
        yield return Change("minimum raised", [("nic\" version 2 min 1", "nic\" version 3 min 3")], ["5 error Acme.Nic"], ["8 error Acme.Nic"]);
        yield return Change("needless bump", [("nic\" version 2", "nic\" version 3")], ["8 info Acme.Nic"], ["8 error Acme.Nic"]);
        yield return Change("needless bump of nested state", [("ring\" version 1", "ring\" version 2")], ["8 info Acme.Ring"], ["8 info Acme.Ring"]);
        yield return Change("field's version changed", [("u16 since 2", "u16 since 3"), ("nic\" version 2", "nic\" version 3")], ["9 error Acme.Nic/timer"], ["8 error Acme.Nic"]);
        yield return Change("field's version removed, no release wrote less", [("u16 since 2 default 0", "u16")], [], []);
        yield return Change("until below the written version", [("\"status\" u32", "\"status\" u32 until 1")], ["9 error Acme.Nic/status"], ["9 error Acme.Nic/status"]);
        yield return Change("until with a bump", [("\"status\" u32", "\"status\" u32 until 2"), ("nic\" version 2", "nic\" version 3")], [], ["9 error Acme.Nic/status"]);
        yield return Change("field removed", [("Acme.Nic#001 \"status\" u32\n", "")], ["10 error Acme.Nic/status"], ["10 error Acme.Nic/status"]);
        yield return Change("field removed, padding in its place", [("\"status\" u32", "\"status\" pad[4]")], [], ["10 warning Acme.Nic/status"]);
        yield return Change("field removed, padding of another name", [("\"status\" u32", "\"old_status\" pad[4]")], [], ["10 warning Acme.Nic/old_status"]);
        yield return Change("two fields removed, one padding", [("#000 \"ctrl\" u32", "#000 \"regs\" pad[8]"), ("Acme.Nic#001 \"status\" u32\n", "")], [], ["10 warning Acme.Nic/ctrl", "10 warning Acme.Nic/status"]);
        yield return Change("nested field removed", [("Acme.Ring#001 \"head\" u32\n", "")], ["10 error Acme.Ring/head"], ["10 error Acme.Ring/head"]);
        yield return Change("field added", [("Acme.Nic#011", "Acme.Nic#010.1 \"extra\" u8\nAcme.Nic#011")], ["11 error Acme.Nic/extra"], ["11 error Acme.Nic/extra"]);
        yield return Change("field added under a predicate", [("Acme.Nic#011", "Acme.Nic#010.1 \"extra\" u8 when IsNew\nAcme.Nic#011")], ["11 warning Acme.Nic/extra"], ["11 warning Acme.Nic/extra"]);
        yield return Change("field added at the end of nested state", [("Acme.Mit @state", "Acme.Ring#002 \"tail\" u32\nAcme.Mit @state")], ["11 error Acme.Ring/tail"], ["11 error Acme.Ring/tail"]);
        yield return Change("tagged field added to nested state", [("Acme.Mit @state", "Acme.Ring#002 \"tail\" u32 since 2\nAcme.Mit @state"), ("ring\" version 1", "ring\" version 2")], ["11 error Acme.Ring/tail"], ["11 error Acme.Ring/tail"]);
        yield return Change("tagged field added to list elements", [("Acme.Mode @enum", "Acme.Request#001 \"size\" u32 since 2\nAcme.Mode @enum"), ("request\" version 1", "request\" version 2"), ("element-version 1", "element-version 2")], ["11 error Acme.Request/size"], ["11 error Acme.Request/size"]);
        yield return Change("field added to a subsection", [("Acme.Nic#010", "Acme.Nic#009.1 \"more\" u32 in \"nic/full\"\nAcme.Nic#010")], ["11 error Acme.Nic:nic/full/more"], ["11 error Acme.Nic:nic/full/more"]);
        yield return Change("field added with a version", [("Acme.Nic#011", "Acme.Nic#010.1 \"extra\" u8 since 3 default 0\nAcme.Nic#011"), ("nic\" version 2", "nic\" version 3")], [], ["12 error Acme.Nic/extra"]);
        yield return Change("field added to a subsection with a version", [("Acme.Nic#010", "Acme.Nic#009.1 \"more\" u32 since 2 default 0 in \"nic/full\"\nAcme.Nic#010"), ("nic/full\" version 1", "nic/full\" version 2")], [], ["12 error Acme.Nic:nic/full/more"]);
        yield return Change("use sites split", [("Acme.Hub#000 \"ring\" Acme.Ring", "Acme.Hub#000 \"ring\" Acme.Ring until 1 struct-version 1\nAcme.Hub#001 \"ring\" Acme.Ring since 2 struct-version 2"), ("hub\" version 1", "hub\" version 2"), ("count \"count\" max 16", "until 2 count \"count\" max 16 struct-version 1\nAcme.Nic#006.1 \"ring\" Acme.Ring[] since 3 count \"count\" max 16 struct-version 2"), ("nic\" version 2", "nic\" version 3"), ("ring\" version 1", "ring\" version 2"), ("Acme.Mit @state", "Acme.Ring#002 \"tail\" u32 since 2\nAcme.Mit @state")], [], ["9 error Acme.Hub/ring", "12 error Acme.Hub/ring", "9 error Acme.Nic/ring", "12 error Acme.Nic/ring"]);
        yield return Change("fields reordered", [("#000 \"ctrl\"", "#000 \"status\""), ("#001 \"status\"", "#001 \"ctrl\"")], ["13 error Acme.Nic/ctrl"], ["13 error Acme.Nic/ctrl"]);
        yield return Change("wider", [("\"ctrl\" u32", "\"ctrl\" u64")], ["14 error Acme.Nic/ctrl"], ["14 error Acme.Nic/ctrl"]);
        yield return Change("signed", [("\"ctrl\" u32", "\"ctrl\" i32")], ["15 error Acme.Nic/ctrl"], ["15 error Acme.Nic/ctrl"]);
        yield return Change("floating", [("\"ctrl\" u32", "\"ctrl\" f32")], ["16 error Acme.Nic/ctrl"], ["16 error Acme.Nic/ctrl"]);
        yield return Change("boolean", [("\"count\" u8", "\"count\" bool")], ["16 warning Acme.Nic/count"], ["16 warning Acme.Nic/count"]);
        yield return Change("enum's underlying type", [("@enum u8", "@enum u16")], ["14 error Acme.Nic/mode"], ["14 error Acme.Nic/mode"]);
        yield return Change("enum renumbered", [("Off=0 On=1", "Off=1 On=0")], ["17 error Acme.Mode"], ["17 error Acme.Mode"]);
        yield return Change("enum value removed", [("Off=0 On=1", "Off=0")], ["17 warning Acme.Mode"], ["17 warning Acme.Mode"]);
        yield return Change("enum value renamed and added", [("Off=0 On=1", "Off=0 Enabled=1 Auto=2")], [], []);
        yield return Change("array length", [("u16[64]", "u16[32]")], ["18 error Acme.Nic/eeprom"], ["18 error Acme.Nic/eeprom"]);
        yield return Change("array of two dimensions", [("u16[64]", "u16[4,16]")], [], []);
        yield return Change("fixed becomes counted", [("\"eeprom\" u16[64]", "\"eeprom\" u16[] count \"ctrl\" max 64")], ["18 error Acme.Nic/eeprom"], ["18 error Acme.Nic/eeprom"]);
        yield return Change("count field changed", [("count \"count\"", "count \"ctrl\"")], ["18 error Acme.Nic/ring"], ["18 error Acme.Nic/ring"]);
        yield return Change("max lowered", [("max 16", "max 8")], ["18 warning Acme.Nic/ring"], ["18 warning Acme.Nic/ring"]);
        yield return Change("codec", [("Acme.Blob/1", "Acme.Blob/2")], ["19 error Acme.Nic/blob"], ["19 error Acme.Nic/blob"]);
        yield return Change("codec gone", [(" codec Acme.Blob/1", "")], ["19 error Acme.Nic/blob"], ["19 error Acme.Nic/blob"]);
        yield return Change("list becomes array", [("list<Acme.Request> max 8 element-version 1", "Acme.Request[8]")], ["19 error Acme.Nic/requests"], ["19 error Acme.Nic/requests"]);
        yield return Change("null markers", [("count \"count\" max 16", "count \"count\" max 16 nulls")], ["19 error Acme.Nic/ring"], ["19 error Acme.Nic/ring"]);
        yield return Change("list marker", [("max 8 element-version 1", "max 8 element-version 1 marker Kind")], ["19 error Acme.Nic/requests"], ["19 error Acme.Nic/requests"]);
        yield return Change("bytes as numbers", [(" codec Acme.Blob/1", ""), ("\"eeprom\" u16[64]", "\"eeprom\" bytes[128]")], ["14 error Acme.Nic/eeprom", "19 error Acme.Nic/blob"], ["14 error Acme.Nic/eeprom", "19 error Acme.Nic/blob"]);
        yield return Change("padding's size", [("pad[4]", "pad[8]")], ["20 error Acme.Nic/unused"], ["20 error Acme.Nic/unused"]);
        yield return Change("padding reused", [("\"unused\" pad[4]", "\"fresh\" u32")], ["21 error Acme.Nic/fresh"], ["21 error Acme.Nic/fresh"]);
        yield return Change("padding reused under its name", [("pad[4]", "u32")], ["21 error Acme.Nic/unused"], ["21 error Acme.Nic/unused"]);
        yield return Change("field renamed", [("\"ctrl\" u32", "\"control\" u32")], ["22 info Acme.Nic/control"], ["22 info Acme.Nic/control"]);
        yield return Change("count field renamed", [("\"count\"", "\"rings\"")], ["22 info Acme.Nic/rings"], ["22 info Acme.Nic/rings"]);
        yield return Change("no default", [("Acme.Hub#000", "Acme.Hub#001 \"extra\" u8 since 2\nAcme.Hub#000"), ("hub\" version 1", "hub\" version 2")], ["23 warning Acme.Hub/extra"], ["12 error Acme.Hub/extra"]);
        yield return Change("default changed", [("default 0", "default 7")], ["24 warning Acme.Nic/timer"], ["24 warning Acme.Nic/timer"]);
        yield return Change("predicate added", [("\"ctrl\" u32", "\"ctrl\" u32 when HasCtrl")], ["25 error Acme.Nic/ctrl"], ["25 error Acme.Nic/ctrl"]);
        yield return Change("predicate removed", [(" when HasFlash", "")], ["25 error Acme.Nic/flash"], ["25 error Acme.Nic/flash"]);
        yield return Change("predicate renamed", [("when HasFlash", "when IsFlashed")], ["25 warning Acme.Nic/flash"], ["25 warning Acme.Nic/flash"]);
        yield return Change("subsection's predicate", [("needed HasMit", "needed MitNeeded")], ["25 warning Acme.Nic:nic/mit"], ["25 warning Acme.Nic:nic/mit"]);
        yield return Change("section's predicate", [("hub\" version 1 min 1 priority default", "hub\" version 1 min 1 priority default needed IsOn")], ["25 warning Acme.Hub"], ["25 warning Acme.Hub"]);
        yield return Change("subsection removed", [("Acme.Nic @subsection \"nic/mit\" Acme.Mit version 1 min 1 needed HasMit\n", "")], ["26 error Acme.Nic:nic/mit"], []);
        yield return Change("subsection renamed", [("@subsection \"nic/mit\"", "@subsection \"nic/mitigation\"")], ["26 error Acme.Nic:nic/mit"], []);
        yield return Change("subsection removed, read by another type", [("@subsection \"nic/mit\" Acme.Mit version 1 min 1 needed HasMit", "@removed-subsection \"nic/mit\" Acme.Mit")], [], []);
        yield return Change("subsection removed, read by a type that cannot", [("@subsection \"nic/mit\" Acme.Mit version 1 min 1 needed HasMit", "@removed-subsection \"nic/mit\" Acme.Mit"), ("\"ide\" u32", "\"ide\" u64")], ["14 error Acme.Mit/ide"], []);
        yield return Change("subsection added", [("Acme.Hub#000", "Acme.Hub @subsection \"hub/more\" Acme.Mit version 1 min 1 needed IsMore\nAcme.Hub#000")], [], []);
        yield return Change("nullable subsection added", [("Acme.Hub#000", "Acme.Hub @subsection \"hub/more\" Acme.Mit version 1 min 1 nullable\nAcme.Hub#000")], [], []);
        yield return Change("subsection always written", [("Acme.Hub#000", "Acme.Hub @subsection \"hub/more\" Acme.Mit version 1 min 1\nAcme.Hub#000")], [], ["27 error Acme.Hub:hub/more"]);
        yield return Change("subsection's minimum", [("nic/full\" version 1 min 1", "nic/full\" version 2 min 2")], ["5 error Acme.Nic:nic/full"], ["8 error Acme.Nic:nic/full"]);
        yield return Change("struct version alone", [("Acme.Hub#000 \"ring\" Acme.Ring", "Acme.Hub#000 \"ring\" Acme.Ring struct-version 2"), ("ring\" version 1", "ring\" version 2"), ("Acme.Mit @state", "Acme.Ring#002 \"tail\" u32 since 2\nAcme.Mit @state"), ("count \"count\" max 16", "count \"count\" max 16 struct-version 1")], ["29 error Acme.Hub/ring"], ["29 error Acme.Hub/ring"]);
        yield return Change("fields moved into nested state", [("Acme.Nic#000 \"ctrl\" u32\nAcme.Nic#001 \"status\" u32", "Acme.Nic#000 \"regs\" Acme.Regs"), ("Acme.Mode @enum", "Acme.Regs @state \"regs\" version 1 min 1\nAcme.Regs#000 \"ctrl\" u32\nAcme.Regs#001 \"status\" u32\nAcme.Mode @enum")], ["30 info Acme.Nic/regs"], ["30 info Acme.Nic/regs"]);
        yield return Change("fields moved into nested state in another order", [("Acme.Nic#000 \"ctrl\" u32\nAcme.Nic#001 \"status\" u32", "Acme.Nic#000 \"regs\" Acme.Regs"), ("Acme.Mode @enum", "Acme.Regs @state \"regs\" version 1 min 1\nAcme.Regs#000 \"status\" u32\nAcme.Regs#001 \"ctrl\" u32\nAcme.Mode @enum")], ["11 error Acme.Nic/regs", "10 error Acme.Nic/ctrl", "10 error Acme.Nic/status"], ["11 error Acme.Nic/regs", "10 error Acme.Nic/ctrl", "10 error Acme.Nic/status"]);
        yield return Change("fields moved out of nested state", [("Acme.Hub#000 \"ring\" Acme.Ring", "Acme.Hub#000 \"base\" u64\nAcme.Hub#001 \"head\" u32")], ["30 info Acme.Hub/base"], ["30 info Acme.Hub/base"]);
        yield return Change("subsection becomes flat", [("Acme.Nic @subsection \"nic/mit\" Acme.Mit version", "Acme.Nic#012 \"ide\" u32 in \"nic/mit\"\nAcme.Nic @subsection \"nic/mit\" version")], ["30 info Acme.Nic:nic/mit"], ["30 info Acme.Nic:nic/mit"]);
        yield return Change("priority", [("hub\" version 1 min 1 priority default", "hub\" version 1 min 1 priority iommu")], ["31 warning Acme.Hub"], ["31 warning Acme.Hub"]);
        yield return Change("early setup", [("hub\" version 1 min 1 priority default", "hub\" version 1 min 1 priority default early-setup")], ["31 warning Acme.Hub"], ["31 warning Acme.Hub"]);
        yield return Change("hook removed", [("hooks before-save,after-load", "hooks after-load")], ["31 warning Acme.Nic"], ["31 warning Acme.Nic"]);
    }

    private static RuleCase Change(string name, (string From, string? To)[] edits, string[] backward, string[] forward)
    {
        string text = Nic.ReplaceLineEndings("\n");
        foreach ((string from, string? to) in edits)
        {
            if (to == null)
            {
                // The type and what only it has.
                text = string.Join("\n", text.Split('\n').Where(line => !line.StartsWith(from + " ", System.StringComparison.Ordinal) && !line.StartsWith(from + "#", System.StringComparison.Ordinal)));
                continue;
            }
            Assert.Contains(from, text, System.StringComparison.Ordinal);
            text = text.Replace(from, to, System.StringComparison.Ordinal);
        }
        return new RuleCase(name, Nic, text, backward, forward);
    }
}
