using VmStateGen.Runtime.Migration;

namespace VmStateGen.Runtime.Tests.Migration;

public sealed class RehearsalTests
{
    [Fact]
    public void A_rehearsal_is_a_whole_migration() => MigrationRehearsal.Rehearse();

    [Fact]
    public void It_can_be_waited_for_any_number_of_times()
    {
        MigrationRehearsal.Begin();
        MigrationRehearsal.Wait();
        MigrationRehearsal.Wait();
    }
}
