using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using Xunit.Sdk;

namespace VmStateGen.Qemu.Tests;

/// <summary>What a test asks for a real QEMU. Use with <c>[SkippableFact]</c> or <c>[SkippableTheory]</c>.</summary>
public static class TestQemu
{
    /// <summary>Whether guests can run by KVM. A machine without it is no failure, not in CI either.</summary>
    public static bool HasKvm { get; } = CanOpenKvm();

    /// <summary>The QEMU of that version, fetched if need be. Without one the test is skipped with the reason, or fails if CI is "true":
    /// there a suite that silently lost its oracle must not be green.</summary>
    public static QemuInstallation Require(string version)
    {
        QemuInstallation? qemu = QemuInstallation.Obtain(version, out string reason);
        if (qemu is null && Environment.GetEnvironmentVariable("CI") == "true")
            throw new QemuException($"CI is true, so this test must run: {reason}");
        Skip.If(qemu is null, reason);
        return qemu!;
    }

    private static bool CanOpenKvm()
    {
        try
        {
            using FileStream kvm = File.Open("/dev/kvm", FileMode.Open, FileAccess.ReadWrite);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

/// <summary>Runs a theory once for each QEMU version that the project is checked against, and each machine type given.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class QemuVersionsAttribute(params string[] machines) : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod)
        => machines.Length == 0
            ? QemuInstallation.Versions.Select(version => new object[] { version })
            : QemuInstallation.Versions.SelectMany(version => machines.Select(machine => new object[] { version, machine }));
}
