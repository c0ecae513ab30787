using QemuDevices;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>A card on PCI Express that is nothing beyond that.</summary>
[VmState("express_card")]
public sealed partial class ExpressCard() : PciDevice(isExpress: true);
