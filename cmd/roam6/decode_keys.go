package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"roam6/conf"
	"roam6/keying/esp"
	"roam6/node"
	"roam6/role/mn"
	"roam6/scenario"
	"roam6/wire/describe"
)

// scenarioKeyNodes is how many mobile nodes of a scenario --keys covers. The simulator keeps no captures of more than ten.
const scenarioKeyNodes = 256

// espKeys are the keys of --keys by SPI. Different mobile nodes may have chosen the same SPI for what they receive.
type espKeys map[uint32][]espKey

type espKey struct {
	key   esp.Key
	whose string
	sum   [sha256.Size]byte // of the secret: both ends have it
}

// readKeys collects the ESP keys of what --keys names: configurations of nodes, or scenarios of a run with a seed.
func readKeys(names []string, seed uint64) (espKeys, error) {
	keys := espKeys{}
	for _, name := range names {
		configs, err := keyConfigs(name, seed)
		if err != nil {
			return nil, err
		}
		for _, c := range configs {
			if err := keys.addNode(c); err != nil {
				return nil, usagef("--keys %s: %w", name, err)
			}
		}
	}
	if len(names) > 0 && len(keys) == 0 {
		return nil, usagef("--keys %s: no ESP key is in it; what such nodes send can be read without --keys", strings.Join(names, ", "))
	}
	return keys, nil
}

// keyConfigs are the configurations of nodes that a name stands for.
func keyConfigs(name string, seed uint64) ([]*node.Config, error) {
	if strings.ContainsAny(name, "/.") {
		text, err := readConfig(name)
		if err != nil {
			return nil, err
		}
		doc, err := conf.Parse(name, text)
		if err != nil {
			return nil, usage(err)
		}
		if doc.Has("roles") {
			c, err := node.Parse(name, text)
			return []*node.Config{c}, usage(err)
		}
	}
	s, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("--keys wants the configuration of a node (with roles:) or a scenario: %w", err)
	}
	var out []*node.Config
	for _, strategy := range mn.Strategies { // access routers have keys of their own for some
		o := scenario.Options{Strategy: strategy, Seed: seed, Nodes: scenarioKeyNodes}
		plan, err := s.Plan(o)
		if err != nil { // a topology of its own has one mobile node
			o.Nodes = 1
			plan, err = s.Plan(o)
		}
		if err != nil {
			return nil, usage(err)
		}
		for _, n := range plan.Nodes {
			if n.Config == nil {
				continue
			}
			c, err := node.Parse(n.Name+".yaml", n.Config)
			if err != nil {
				return nil, usage(err)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func (k espKeys) addNode(c *node.Config) error {
	for _, r := range c.Roles {
		if r.MN != nil {
			if err := k.both(r.MN.Security, r.MN.HomeAddress, true); err != nil {
				return err
			}
		}
		if r.AR != nil && r.AR.Fast != nil {
			for _, n := range r.AR.Fast.Neighbours {
				us, them := r.AR.Fast.Address, n.Address
				if err := k.add(n.Security.ESP, fmt.Sprintf("from %v to %v", us, them), fmt.Sprintf("from %v to %v", them, us)); err != nil {
					return err
				}
			}
		}
		if r.HA == nil {
			continue
		}
		for _, m := range r.HA.Mobiles {
			if err := k.both(m.Security, m.HomeAddress, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// both takes the keys of signalling and of the tunnel for home tests.
func (k espKeys) both(s node.SecurityConfig, home netip.Addr, mobile bool) error {
	out, in := fmt.Sprintf("from its home agent to %v", home), fmt.Sprintf("from %v to its home agent", home)
	if mobile {
		out, in = in, out
	}
	if err := k.add(s.ESP, out, in); err != nil {
		return err
	}
	return k.add(s.Tunnel, out, in)
}

// add takes the pair of keys that one end has, and says whose they are.
func (k espKeys) add(e *node.ESPConfig, out, in string) error {
	if e == nil {
		return nil
	}
	for _, d := range []struct {
		spi    uint32
		secret conf.Secret
		whose  string
	}{{e.OutSPI, e.OutKey, out}, {e.InSPI, e.InKey, in}} {
		key, err := esp.NewKey(d.secret)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(d.secret)
		if !slices.ContainsFunc(k[d.spi], func(have espKey) bool { return have.sum == sum }) {
			k[d.spi] = append(k[d.spi], espKey{key, d.whose, sum})
		}
	}
	return nil
}

// ivAt is where the IV of AES-GCM stands, RFC 4106 §3; the payload begins behind it.
const ivAt = 8

// open is a describe.Opener.
func (k espKeys) open(b []byte) (describe.Opened, error) {
	var last error
	for _, key := range k[binary.BigEndian.Uint32(b)] {
		for _, seq := range sequences(b) {
			next, payload, err := esp.Open(b, key.key, seq)
			if err == nil {
				return describe.Opened{At: ivAt + esp.IVLen, Next: next, Payload: payload, Whose: key.whose}, nil
			}
			last = err
		}
	}
	if last == nil {
		last = describe.ErrNoKey
	}
	return describe.Opened{}, last
}

// sequences are the extended sequence numbers an ESP packet may have. Its high half is not sent; a receiver knows it from the packets
// before, a capture begins anywhere. A node of roam6 puts all of it into the IV; another's high half can only be tried as 0.
func sequences(b []byte) []uint64 {
	low := uint64(binary.BigEndian.Uint32(b[4:]))
	if iv := binary.BigEndian.Uint64(b[ivAt:]); iv != low && iv&(1<<32-1) == low {
		return []uint64{iv, low}
	}
	return []uint64{low}
}
