namespace VmStateGen.Runtime.Ram;

/// <summary>What precopy has left of a block: never sent, or dirtied since.</summary>
/// <param name="Touched">Pages that may hold anything but zeros.</param>
/// <param name="Pending">Pages that were to be sent.</param>
/// <param name="Restless">Pages that kept changing, and were to be sent last.</param>
internal readonly record struct PagesLeft(DirtyBitmap Touched, DirtyBitmap Pending, DirtyBitmap Restless);
