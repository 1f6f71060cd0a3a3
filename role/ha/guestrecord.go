package ha

import (
	"encoding/binary"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/sa"
)

// The durable records of a guest, by its home address: how long it may stay, and its keys, which the store seals. They are two because
// they change by themselves, and an agent does not keep the octets of keys once it uses them.
//
//	ha/guest      version 1 | stay 4 | ends 8 | NAI
//	ha/guest-key  version 1 | lifetime 4 | ends 8 | SPI to the node 4 | SPI to the agent 4 | key to the node 36 | key to the agent 36 |
//	              records of package sa that the keys before left, each: length 1, name
//
// The keys before do not outlive a crash: the records that count their packets go with them. Stay and lifetime are what was granted, in seconds, and ends is in nanoseconds since 1970: a clock that was stepped back prolongs nothing.
const (
	guestBucket      = "ha/guest"
	guestKeyBucket   = "ha/guest-key"
	guestVersion     = 1
	guestFixed       = 13
	guestKeyLen      = guestFixed + 8 + 2*aaa.ESPKeyLen
	guestTimeOctets  = 12
	guestRecordLimit = guestFixed + 253 // a NAI has at most 253 octets, RFC 7542 §2.3
)

func appendTimes(v []byte, now engine.Now, until engine.Mono) []byte {
	left := until.Sub(now.Mono)
	v = binary.BigEndian.AppendUint32(v, uint32((left+time.Second-1)/time.Second))
	return binary.BigEndian.AppendUint64(v, uint64(wall(now, until)))
}

func readTimes(v []byte, now engine.Now) engine.Mono {
	granted := time.Duration(binary.BigEndian.Uint32(v)) * time.Second
	left := time.Duration(int64(binary.BigEndian.Uint64(v[4:])) - now.Wall.UnixNano())
	return now.Mono.Add(min(left, granted, MaxAuthorization))
}

func (g *guest) record(now engine.Now) []byte {
	v := append(make([]byte, 0, guestFixed+len(g.nai)), guestVersion)
	return append(appendTimes(v, now, g.authorized), g.nai...)
}

func keyRecord(now engine.Now, until engine.Mono, k *freshKeys, old *sa.SA) []byte {
	v := append(make([]byte, 0, guestKeyLen), guestVersion)
	v = appendTimes(v, now, until)
	v = binary.BigEndian.AppendUint32(v, k.config.OutSPI)
	v = binary.BigEndian.AppendUint32(v, k.config.InSPI)
	v = append(append(v, k.config.OutKey...), k.config.InKey...)
	if old != nil {
		for _, name := range old.Records() {
			v = append(append(v, byte(len(name))), name...)
		}
	}
	return v
}

// readGuest reads both records; nil if either is damaged or not of this version.
func readGuest(now engine.Now, name string, stay, key []byte) *guest {
	hoa, err := netip.ParseAddr(name)
	if err != nil || len(stay) < guestFixed || len(stay) > guestRecordLimit || stay[0] != guestVersion || len(key) < guestKeyLen || key[0] != guestVersion {
		return nil
	}
	if _, ok := oldRecords(key); !ok {
		return nil
	}
	g := &guest{mobile: mobile{visitor: true, hoa: hoa, nai: string(stay[guestFixed:])}, settled: true}
	g.authorized, g.keyed = readTimes(stay[1:], now), readTimes(key[1:], now)
	k := key[1+guestTimeOctets:]
	g.sa, err = sa.New(sa.Config{ESP: &sa.ESPConfig{
		OutSPI: binary.BigEndian.Uint32(k), InSPI: binary.BigEndian.Uint32(k[4:]), OutKey: k[8:][:aaa.ESPKeyLen], InKey: k[8+aaa.ESPKeyLen:][:aaa.ESPKeyLen],
	}}, hoa.String())
	if err != nil {
		return nil
	}
	return g
}

// oldRecords are those that the keys before the ones of a record left.
func oldRecords(key []byte) (list []string, ok bool) {
	for v := key[guestKeyLen:]; len(v) > 0; {
		n := int(v[0])
		if n == 0 || len(v) <= n {
			return nil, false
		}
		list, v = append(list, string(v[1:][:n])), v[1+n:]
	}
	return list, true
}

func forgetOld(key []byte, out *engine.Effects) {
	list, _ := oldRecords(key)
	for _, name := range list {
		out.Persist(sa.Bucket, name, nil)
	}
}

// restoreGuests takes up the guests of an earlier life, before their bindings. Those whose time is over are forgotten whole; over has
// their home addresses.
//
// spec DM-14
func (a *Agent) restoreGuests(now engine.Now, records []engine.Record, out *engine.Effects) (over map[string]bool) {
	keys := map[string][]byte{}
	for _, r := range records {
		if r.Bucket == guestKeyBucket {
			keys[r.Key] = r.Value
		}
	}
	over = map[string]bool{}
	for _, r := range records {
		if r.Bucket != guestBucket {
			continue
		}
		key := keys[r.Key]
		g := readGuest(now, r.Key, r.Value, key)
		delete(keys, r.Key)
		switch {
		case g == nil || !a.assignable(g.hoa) || a.mobiles[g.hoa] != nil || a.guests.named[g.nai] != nil:
			out.Event("record.unusable", engine.S("bucket", r.Bucket), engine.S("key", r.Key))
		case g.until() <= now.Mono:
			over[r.Key] = true
			forgetOld(key, out)
			out.Persist(bindingBucket, r.Key, nil)
			a.unseal(g, out)
			out.Event("guest.departed", engine.A("hoa", g.hoa), engine.S("nai", g.nai))
		default:
			a.enter(g)
			forgetOld(key, out)
			a.guests.spis[g.sa.InSPI()] = true
			a.arm(&g.mobile)
			out.Event("guest.restored", engine.A("hoa", g.hoa), engine.S("nai", g.nai))
		}
	}
	for _, r := range records { // of a guest that a crash kept from being written
		if keys[r.Key] != nil && r.Bucket == guestKeyBucket {
			out.Persist(guestKeyBucket, r.Key, nil)
		}
	}
	return over
}
