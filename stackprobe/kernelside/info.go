package kernelside

import (
	"gnet/internal/sockdiag"
	"gnet/stackprobe/event"
)

// maxInfos bounds the connections of which Infos tells: programs may open any number.
const maxInfos = 1000

// Infos yields what the kernel has counted for each connection, by the names of struct tcp_info (include/uapi/linux/tcp.h), zeros
// among them; what this kernel's structure has no room for is left out. It is that of the last moment in which the connection had a
// socket: what TIME-WAIT and listeners send is in no connection's count. Of several between the same two sockets it is the last one.
func (h *Host) Infos(yield func(event.Tuple, []event.Counter)) {
	told := 0
	for _, c := range h.order {
		if c.fd >= 0 {
			_ = c.readInfo()
		}
		if h.conns[c.tuple] != c || !c.info.Has(sockdiag.InfoBase) || told == maxInfos {
			continue
		}
		told++
		yield(c.tuple, infoCounters(&c.info))
	}
}

// infoCounters lists the counters of TCP_INFO, by name.
func infoCounters(i *sockdiag.TCPInfo) []event.Counter {
	var list []event.Counter
	for _, f := range [...]struct {
		name  string
		field sockdiag.InfoField
		value uint64
	}{
		{"tcpi_bytes_acked", sockdiag.InfoBytesAcked, i.BytesAcked},
		{"tcpi_bytes_received", sockdiag.InfoBytesReceived, i.BytesReceived},
		{"tcpi_bytes_retrans", sockdiag.InfoBytesRetrans, i.BytesRetrans},
		{"tcpi_bytes_sent", sockdiag.InfoBytesSent, i.BytesSent},
		{"tcpi_data_segs_in", sockdiag.InfoDataSegsIn, uint64(i.DataSegsIn)},
		{"tcpi_data_segs_out", sockdiag.InfoDataSegsOut, uint64(i.DataSegsOut)},
		{"tcpi_dsack_dups", sockdiag.InfoDsackDups, uint64(i.DsackDups)},
		{"tcpi_rcv_ooopack", sockdiag.InfoRcvOoopack, uint64(i.RcvOoopack)},
		{"tcpi_segs_in", sockdiag.InfoSegsIn, uint64(i.SegsIn)},
		{"tcpi_segs_out", sockdiag.InfoSegsOut, uint64(i.SegsOut)},
		{"tcpi_total_retrans", sockdiag.InfoBase, uint64(i.TotalRetrans)},
	} {
		if i.Has(f.field) {
			list = append(list, event.Counter{Name: f.name, Value: f.value})
		}
	}
	return list
}
