package procnet

import (
	"iter"
	"net/netip"

	"gnet/internal/sockdiag"
)

// InetShelf keeps rows of one inet table in little room: 80 bytes each, without a pointer, so that the garbage collector has nothing to look
// at. It is for who must have seen all rows before the first can be shown.
type InetShelf struct {
	proto Proto
	v6    bool
	slabs [][]shelved
	diags []*sockdiag.InetRow // empty, or one for each row
	n     int
}

// shelved is an InetSocket without what all rows of its table have in common.
type shelved struct {
	local, remote         [16]byte
	inode, remaining      uint64
	tx, rx                uint32
	uid                   uint32
	retransmits           uint32
	probes                int32
	localPort, remotePort uint16
	state                 State
	timer                 TimerKind
}

// slabRows is how many rows are made at once: growing never copies a row.
const slabRows = 2048

// NewInetShelf returns an empty shelf for the rows of one table.
func NewInetShelf(p Proto, v6 bool) *InetShelf { return &InetShelf{proto: p, v6: v6} }

// Len returns the number of rows.
func (k *InetShelf) Len() int { return k.n }

// Add keeps a copy of a row, with diag also a copy of its Diag: then all rows of the shelf must be added so.
func (k *InetShelf) Add(s *InetSocket, diag bool) {
	if k.n%slabRows == 0 {
		k.slabs = append(k.slabs, make([]shelved, 0, slabRows))
	}
	last := &k.slabs[len(k.slabs)-1]
	*last = append(*last, shelved{
		local: s.Local.Addr().As16(), remote: s.Remote.Addr().As16(), localPort: s.Local.Port(), remotePort: s.Remote.Port(),
		inode: s.Inode, tx: s.TxQueue, rx: s.RxQueue, uid: s.UID, state: s.State,
		timer: s.Timer.Kind, remaining: s.Timer.Remaining, retransmits: s.Timer.Retransmits, probes: s.Timer.Probes,
	})
	k.n++
	if diag {
		var kept *sockdiag.InetRow
		if s.Diag != nil {
			kept = s.Diag.Clone()
		}
		k.diags = append(k.diags, kept)
	}
}

// All returns the rows in the order of Add, with their numbers; a pointer is valid until the next step.
func (k *InetShelf) All() iter.Seq2[int, *InetSocket] {
	return func(yield func(int, *InetSocket) bool) {
		s := InetSocket{Proto: k.proto, V6: k.v6}
		i := 0
		for _, slab := range k.slabs {
			for j := range slab {
				k.restore(&s, &slab[j], i)
				if !yield(i, &s) {
					return
				}
				i++
			}
		}
	}
}

func (k *InetShelf) restore(s *InetSocket, row *shelved, i int) {
	s.Local = netip.AddrPortFrom(k.addr(row.local), row.localPort)
	s.Remote = netip.AddrPortFrom(k.addr(row.remote), row.remotePort)
	s.Inode, s.TxQueue, s.RxQueue, s.UID, s.State = row.inode, row.tx, row.rx, row.uid, row.state
	s.Timer = Timer{Kind: row.timer, Remaining: row.remaining, Retransmits: row.retransmits, Probes: row.probes}
	if i < len(k.diags) {
		s.Diag = k.diags[i]
	}
}

func (k *InetShelf) addr(b [16]byte) netip.Addr {
	if k.v6 {
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom4([4]byte(b[12:]))
}
