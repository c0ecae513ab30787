using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.Tests.Migration;

namespace VmStateGen.Runtime.Tests.Machines;

/// <summary>Identity of sections, as qemu-migration.md §1.3, §2.8 and §2.9 have it.</summary>
public sealed class RegistryTests
{
    [Fact]
    public void Ram_is_the_first_section()
    {
        using var vm = new BareVm();
        var section = Assert.Single(vm.Machine.Sections);
        Assert.Equal(("ram", 0u, 1u, 4u), (section.Name, section.InstanceId, section.Id, section.Version));
    }

    [Fact]
    public void Without_a_path_instances_are_counted()
    {
        using var vm = new BareVm();
        Assert.Equal(0u, vm.Machine.Register(new RawDevice("i8259")).InstanceId);
        Assert.Equal(1u, vm.Machine.Register(new RawDevice("i8259")).InstanceId);
        Assert.Equal(7u, vm.Machine.Register(new RawDevice("i8259"), new RegistrationOptions { Instance = 7 }).InstanceId);
        Assert.Equal(8u, vm.Machine.Register(new RawDevice("i8259")).InstanceId);
    }

    [Fact]
    public void With_a_path_the_old_name_is_counted_and_found()
    {
        using var vm = new BareVm();
        var first = vm.Machine.Register(new RawDevice("e1000"), new RegistrationOptions { Path = "0000:00:03.0" });
        var second = vm.Machine.Register(new RawDevice("e1000"), new RegistrationOptions { Path = "0000:00:04.0" });
        Assert.Equal(("0000:00:03.0/e1000", 0u), (first.Name, first.InstanceId));
        Assert.Same(first, vm.Machine.Find("0000:00:03.0/e1000", 0));
        Assert.Same(first, vm.Machine.Find("e1000", 0));
        Assert.Same(second, vm.Machine.Find("e1000", 1));
        Assert.Null(vm.Machine.Find("e1000", 2));
        Assert.Null(vm.Machine.Find("0000:00:03.0/e1000", 1));
    }

    [Fact]
    public void An_old_name_that_is_no_part_of_the_new_one_is_not_found()
    {
        using var vm = new BareVm();
        vm.Machine.Register(new RawDevice("new"), new RegistrationOptions { Path = "0000:00:03.0", LegacyName = "old" });
        Assert.Null(vm.Machine.Find("old", 0));
    }

    [Fact]
    public void An_alias_is_another_instance_on_load()
    {
        using var vm = new BareVm();
        var section = vm.Machine.Register(new RawDevice("serial"), new RegistrationOptions { Alias = 0x3f8 });
        Assert.Same(section, vm.Machine.Find("serial", 0));
        Assert.Same(section, vm.Machine.Find("serial", 0x3f8));
        Assert.Null(vm.Machine.Find("serial", 1));
    }

    [Fact]
    public void A_duplicate_is_refused()
    {
        using var vm = new BareVm();
        vm.Machine.Register(new RawDevice("a"), new RegistrationOptions { Alias = 9 });
        vm.Machine.Register(new RawDevice("b"), new RegistrationOptions { Path = "p" });
        Assert.Throws<ArgumentException>(() => vm.Machine.Register(new RawDevice("a"), new RegistrationOptions { Instance = 0 }));
        Assert.Throws<ArgumentException>(() => vm.Machine.Register(new RawDevice("a"), new RegistrationOptions { Instance = 9 }));
        Assert.Throws<ArgumentException>(() => vm.Machine.Register(new RawDevice("a"), new RegistrationOptions { Alias = 9 }));
        Assert.Throws<ArgumentException>(() => vm.Machine.Register(new RawDevice("b"), new RegistrationOptions { Path = "p" }));
        Assert.Throws<ArgumentException>(() => vm.Machine.Register(new RawDevice("c"), new RegistrationOptions { Path = "p", Instance = 1 }));
        Assert.Throws<ArgumentException>(() => vm.Machine.Register(new RawDevice("ä")));
        Assert.Throws<ArgumentException>(() => vm.Machine.Register(new RawDevice("part") { StateType = new VmStateType("part", 1, 1, 1) }));
        Assert.Equal(3, vm.Machine.Sections.Count);
    }

    [Fact]
    public void Ids_count_every_registration_and_are_not_used_again()
    {
        using var vm = new BareVm();
        var first = vm.Machine.Register(new RawDevice("a"));
        vm.Machine.Unregister(first);
        Assert.Equal((2u, 3u), (first.Id, vm.Machine.Register(new RawDevice("a")).Id));
    }

    [Fact]
    public void The_stream_has_higher_priorities_first_and_else_the_order_of_registration()
    {
        using var vm = new BareVm();
        foreach (var (name, priority) in new[] { ("a", 0), ("bus", 2), ("low", -1), ("b", 0), ("iommu", 1) })
            vm.Machine.Register(new RawDevice(name, priority: (MigrationPriority)priority));
        Assert.Equal(["bus", "iommu", "ram", "a", "b", "low"], vm.Machine.SaveOrder.Select(section => section.Name));
    }

    [Fact]
    public void Reasons_against_a_migration_are_told_together()
    {
        using var vm = new BareVm();
        vm.Machine.Register(new RawDevice("gpu") { StateType = new VmStateType("gpu", 1, 1, 1) { IsSection = true, Unmigratable = true } }, new RegistrationOptions { Path = "0:1" });
        var blocker = vm.Machine.AddBlocker("a disk is being copied");
        Assert.Equal(["non-migratable device: 0:1/gpu", "a disk is being copied"], vm.Machine.BlockedReasons);
        var error = Assert.Throws<InvalidOperationException>(vm.Machine.BeginMigration);
        Assert.Contains("0:1/gpu; a disk is being copied", error.Message, StringComparison.Ordinal);
        blocker.Dispose();
        Assert.Single(vm.Machine.BlockedReasons);
    }

    [Fact]
    public void Nothing_changes_while_the_machine_is_migrated()
    {
        using var vm = new BareVm();
        vm.Machine.BeginMigration();
        Assert.Throws<InvalidOperationException>(() => vm.Machine.Register(new RawDevice("a")));
        Assert.Throws<InvalidOperationException>(() => vm.Machine.AddBlocker("late"));
        Assert.Throws<InvalidOperationException>(vm.Machine.BeginMigration);
        vm.Machine.EndMigration();
        vm.Machine.Register(new RawDevice("a"));
    }

    [Fact]
    public void The_first_notifier_that_refuses_is_the_reason()
    {
        using var vm = new BareVm();
        var called = new List<int>();
        using var first = vm.Machine.AddNotifier(_ => called.Add(1));
        using var second = vm.Machine.AddNotifier(_ => throw new InvalidOperationException("the disk is busy"));
        using var third = vm.Machine.AddNotifier(_ => called.Add(3));
        var veto = Assert.Throws<MigrationVetoException>(() => vm.Machine.Notify(MigrationStage.SourceSetup));
        Assert.Contains("the disk is busy", veto.Message, StringComparison.Ordinal);
        var errors = new List<Exception>();
        vm.Machine.Notify(MigrationStage.SourceFailed, errors);
        Assert.Single(errors);
        Assert.Equal([1, 1, 3], called);
    }
}
