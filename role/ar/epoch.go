package ar

import (
	"encoding/binary"
	"strconv"

	"roam6/engine"
	"roam6/wire/nd"
)

// A mobile node cannot see that its gate has closed: it would send into it until it renews its session. So advertisements carry an epoch
// (docs/access.md), which changes whenever sessions of the link were lost before their time: the router was started without what it had
// stored, could not read it, or its end of the link was down. Nodes that hear another one authenticate anew. It is stored, so that it stays where
// sessions do.

// epochBucket holds the epoch by port.
const epochBucket = "ar/epoch"

// recall takes over the epochs of an earlier life; 0 stays that of a door that had none, whose sessions nobody knows.
func (g *gatekeeper) recall(records []engine.Record) {
	for _, r := range records {
		port, err := strconv.Atoi(r.Key)
		if r.Bucket != epochBucket || err != nil || len(r.Value) != 4 {
			continue
		}
		for _, d := range g.doors {
			if int(d.port) == port {
				d.epoch = binary.BigEndian.Uint32(r.Value)
			}
		}
	}
}

// lost begins another epoch on a link.
//
// spec DM-08
func (g *gatekeeper) lost(d *door, out *engine.Effects) {
	d.epoch = max(uint32(g.epochs.Uint64()), 1)
	out.Persist(epochBucket, strconv.Itoa(int(d.port)), binary.BigEndian.AppendUint32(nil, d.epoch))
}

// advertised is what advertisements say of access now.
func (d *door) advertised() *nd.Access {
	a := d.client.Access()
	if a != nil {
		a.Epoch = d.epoch
	}
	return a
}
