package wire

// Protocol numbers and IPv6 next headers, decimal as in IANA's "Assigned Internet Protocol Numbers".
const (
	ProtoHopByHop    uint8 = 0   // RFC 8200 4.3
	ProtoICMP        uint8 = 1   // RFC 792
	ProtoTCP         uint8 = 6   // RFC 9293
	ProtoUDP         uint8 = 17  // RFC 768
	ProtoRouting     uint8 = 43  // RFC 8200 4.4
	ProtoFragment    uint8 = 44  // RFC 8200 4.5
	ProtoESP         uint8 = 50  // RFC 4303; what follows is encrypted, the walk ends here
	ProtoAH          uint8 = 51  // RFC 4302
	ProtoICMPv6      uint8 = 58  // RFC 4443
	ProtoNoNext      uint8 = 59  // RFC 8200 4.7
	ProtoDestOptions uint8 = 60  // RFC 8200 4.6
	ProtoMobility    uint8 = 135 // RFC 6275 6.1
	ProtoHIP         uint8 = 139 // RFC 7401 5.1
	ProtoShim6       uint8 = 140 // RFC 5533 5.1
)
