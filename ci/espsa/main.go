// Command espsa prints the ESP associations of a scenario's run with one mobile node in the form of Wireshark's table esp_sa, so that
// tshark too reads what is inside. It is for captures of the laboratory alone: the keys of a scenario follow from its seed.
//
//	go run ./ci/espsa commute 1 >"$WIRESHARK_CONFIG_DIR/esp_sa"
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"roam6/node"
	"roam6/role/mn"
	"roam6/scenario"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "espsa:", err)
		os.Exit(1)
	}
}

func run(args []string, w io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("%d arguments; a scenario and a seed are wanted", len(args))
	}
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	s, err := scenario.Load(args[0])
	if err != nil {
		return err
	}
	var lines []string
	for _, strategy := range mn.Strategies {
		p, err := s.Plan(scenario.Options{Strategy: strategy, Seed: seed})
		if err != nil {
			return err
		}
		for _, n := range p.Nodes {
			if n.Config == nil {
				continue
			}
			c, err := node.Parse(n.Name+".yaml", n.Config)
			if err != nil {
				return err
			}
			for _, e := range associations(c) {
				lines = append(lines, line(e.OutSPI, e.OutKey), line(e.InSPI, e.InKey))
			}
		}
	}
	slices.Sort(lines)
	for _, l := range slices.Compact(lines) {
		if _, err := io.WriteString(w, l); err != nil {
			return err
		}
	}
	return nil
}

// associations are those of a node: with its home agent or its mobile nodes, and with neighbouring access routers.
func associations(c *node.Config) (list []*node.ESPConfig) {
	add := func(s node.SecurityConfig) {
		for _, e := range []*node.ESPConfig{s.ESP, s.Tunnel} {
			if e != nil {
				list = append(list, e)
			}
		}
	}
	for _, r := range c.Roles {
		if r.MN != nil {
			add(r.MN.Security)
		}
		if r.HA != nil {
			for _, m := range r.HA.Mobiles {
				add(m.Security)
			}
		}
		if r.AR != nil && r.AR.Fast != nil {
			for _, n := range r.AR.Fast.Neighbours {
				add(n.Security)
			}
		}
	}
	return list
}

// line is one association. Addresses are left open: in a scenario an SPI is one association's.
func line(spi uint32, key []byte) string {
	return fmt.Sprintf("\"IPv6\",\"*\",\"*\",\"0x%08x\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x%x\",\"NULL\",\"\"\n", spi, key)
}
