using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;

namespace VmStateGen.Runtime.Tests.Channels;

/// <summary>What the tests of channels share. All of it is on loopback and in a folder of its own.</summary>
internal static class ChannelFixture
{
    /// <summary>For what must happen, however slow the machine is.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    /// <summary>Goes with the process.</summary>
    public static string NewFolder()
    {
        string folder = Directory.CreateTempSubdirectory("vmsc").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        };
        return folder;
    }

    public static byte[] Bytes(int count, int seed = 1)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Both ends of a connection of this kind: <c>tcp</c>, <c>tcp6</c>, <c>unix</c> or <c>pair</c>.</summary>
    public static (Channel Source, Channel Destination) Connect(string kind, ChannelOptions? options = null)
    {
        if (kind == "pair")
            return SocketChannel.CreatePair(options);
        ChannelAddress address = kind switch
        {
            "tcp" => new TcpAddress("127.0.0.1", 0),
            "tcp6" => new TcpAddress("::1", 0),
            _ => new UnixAddress(Path.Combine(NewFolder(), "s")),
        };
        using ChannelListener listener = ChannelListener.Listen(address, options);
        Channel source = ChannelConnector.Connect(listener.Address, new ConnectOptions { Timeout = Long, Channel = options ?? ChannelOptions.Default });
        return (source, listener.Accept(Long));
    }

    /// <summary>On a thread of its own, as migrations do.</summary>
    public static Task<T> Run<T>(Func<T> work)
        => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public static Task Run(Action work)
        => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public static byte[] ReadToEnd(Channel channel)
    {
        using var all = new MemoryStream();
        var buffer = new byte[65536];
        while (channel.Read(buffer) is > 0 and var count)
            all.Write(buffer, 0, count);
        return all.ToArray();
    }

    public static T Done<T>(Task<T> task)
    {
        Assert.True(task.Wait(Long), "it hangs");
        return task.Result;
    }

    public static void Done(Task task) => Assert.True(task.Wait(Long), "it hangs");

    public static ChannelException Fails(Task task)
    {
        // A failure is what is waited for; only a hang is wrong here.
        Assert.True(Task.WhenAny(task, Task.Delay(Long)).Result == task, "it hangs");
        return Assert.IsType<ChannelException>(task.Exception?.InnerException);
    }
}
