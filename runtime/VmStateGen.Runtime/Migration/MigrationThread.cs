using System;
using System.Threading;
using System.Threading.Tasks;

namespace VmStateGen.Runtime.Migration;

/// <summary>A thread for blocking I/O, seen as a task: a migration never blocks the thread pool.</summary>
internal static class MigrationThread
{
    public static Task<T> Run<T>(string name, Func<T> work)
    {
        // Whoever awaits it goes on elsewhere, not on this thread.
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                completion.SetResult(work());
            }
            catch (OperationCanceledException e)
            {
                completion.TrySetCanceled(e.CancellationToken);
            }
            catch (Exception e)
            {
                completion.SetException(e);
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
        thread.Start();
        return completion.Task;
    }
}
