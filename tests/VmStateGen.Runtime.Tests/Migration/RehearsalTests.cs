using System.Threading.Tasks;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Runtime.Tests.Migration;

public sealed class RehearsalTests
{
    [Fact]
    public void A_rehearsal_is_a_whole_migration() => MigrationRehearsal.Rehearse();

    [Fact]
    public async Task It_can_be_waited_for_any_number_of_times()
    {
        await MigrationRehearsal.Begin();
        await MigrationRehearsal.Begin();
    }
}
