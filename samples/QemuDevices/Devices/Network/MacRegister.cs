namespace QemuDevices;

/// <summary>Numbers of the registers of Intel's 8254x: the offsets of its software developer's manual, in words of four bytes.</summary>
internal static class MacRegister
{
    /// <summary>All of the 128 KiB register window.</summary>
    public const int Count = 0x20000 / 4;

    public const int Ctrl = 0x00000 / 4; // Device control
    public const int Status = 0x00008 / 4; // Device status
    public const int Eecd = 0x00010 / 4; // EEPROM control
    public const int Eerd = 0x00014 / 4; // EEPROM read
    public const int Mdic = 0x00020 / 4; // MDI control
    public const int Vet = 0x00038 / 4; // VLAN Ethernet type
    public const int Icr = 0x000C0 / 4; // Interrupt cause read
    public const int Itr = 0x000C4 / 4; // Interrupt throttling
    public const int Ics = 0x000C8 / 4; // Interrupt cause set
    public const int Ims = 0x000D0 / 4; // Interrupt mask set
    public const int Imc = 0x000D8 / 4; // Interrupt mask clear
    public const int Rctl = 0x00100 / 4; // Receive control
    public const int Tctl = 0x00400 / 4; // Transmit control
    public const int Ledctl = 0x00E00 / 4; // LED control
    public const int Pba = 0x01000 / 4; // Packet buffer allocation
    public const int Rdbal = 0x02800 / 4; // Receive descriptor base, low
    public const int Rdbah = 0x02804 / 4; // Receive descriptor base, high
    public const int Rdlen = 0x02808 / 4; // Receive descriptor length
    public const int Rdh = 0x02810 / 4; // Receive descriptor head
    public const int Rdt = 0x02818 / 4; // Receive descriptor tail
    public const int Rdtr = 0x02820 / 4; // Receive delay timer
    public const int Radv = 0x0282C / 4; // Receive absolute delay
    public const int Tdbal = 0x03800 / 4; // Transmit descriptor base, low
    public const int Tdbah = 0x03804 / 4; // Transmit descriptor base, high
    public const int Tdlen = 0x03808 / 4; // Transmit descriptor length
    public const int Tdh = 0x03810 / 4; // Transmit descriptor head
    public const int Tdt = 0x03818 / 4; // Transmit descriptor tail
    public const int Txdctl = 0x03828 / 4; // Transmit descriptor control
    public const int Tadv = 0x0382C / 4; // Transmit absolute delay
    public const int Mpc = 0x04010 / 4; // Missed packets
    public const int Gprc = 0x04074 / 4; // Good packets received
    public const int Gptc = 0x04080 / 4; // Good packets transmitted
    public const int Torl = 0x040C0 / 4; // Octets received, low
    public const int Torh = 0x040C4 / 4; // Octets received, high
    public const int Totl = 0x040C8 / 4; // Octets transmitted, low
    public const int Toth = 0x040CC / 4; // Octets transmitted, high
    public const int Tpr = 0x040D0 / 4; // Packets received
    public const int Tpt = 0x040D4 / 4; // Packets transmitted
    public const int Mta = 0x05200 / 4; // Multicast table, 128 words
    public const int Ra = 0x05400 / 4; // Receive addresses, 16 of two words
    public const int Vfta = 0x05600 / 4; // VLAN filter table, 128 words
    public const int Wufc = 0x05808 / 4; // Wake-up filter control
    public const int Manc = 0x05820 / 4; // Management control
    public const int Swsm = 0x05B50 / 4; // Software semaphore
}
