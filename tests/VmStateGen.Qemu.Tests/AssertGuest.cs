namespace VmStateGen.Qemu.Tests;

internal static class AssertGuest
{
    /// <summary>Nothing of <see cref="CountingGuest.FindDamage"/>; otherwise all of it (Assert.Null cuts the text short).</summary>
    public static void IsWhole(string? damage) => Assert.True(damage is null, damage);
}
