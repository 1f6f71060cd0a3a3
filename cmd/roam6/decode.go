package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"roam6/wire/describe"
)

func init() { decodeHook = decodeCmd }

// decodeCmd is `roam6 decode`.
func decodeCmd() *cobra.Command {
	d := &decoder{}
	cmd := &cobra.Command{
		Use:   "decode [FILE|-]...",
		Short: "Show the packets of a capture or a hex dump, field by field",
		Long: `Show packets readably: every field with its offset, unit and meaning, and the RFC section that defines it.
What a node of roam6 would refuse is marked with "!!" on the field at fault.

A FILE is a capture (pcap or pcapng, also gzipped) or text with hex: the output of xxd, hexdump -C, od -Ax -tx1,
tcpdump -x or tshark -x, or plain hex digits with or without blanks, colons and 0x. "-" is standard input. In text a blank
line or an offset of 0 begins the next packet, "#" a comment. A dump may be an Ethernet frame, an IPv6 packet, a
Mobility Header or an ICMPv6 message; where the octets do not tell which, --as does.

--only mh shows packets with a Mobility Header in them, nd neighbour and router discovery, icmp6 every ICMPv6 message, nd among
them.

What ESP encrypts is shown with the keys: --keys names the configuration of either end, or the scenario of a run and its --seed.
Such a packet is marked "opened", what it carried is judged like any other, and "!!" says when the integrity check fails. No key is
ever printed. Keys that the home network gave a mobile node are nowhere but in its memory (mn.aaa: on with mn.home_agent: home, as in commute). Without
AAA (pingpong, say), --set mn.security=auth protects registrations without encrypting them, in simulator and laboratory.`,
		Example: lines(
			"roam6 decode report/core.pcapng --summary        one line a packet",
			"roam6 decode report/core.pcapng --only mh,nd     signalling only",
			"roam6 decode report/core-ha.pcapng --keys pingpong --only mh     a scenario's Binding Updates inside ESP",
			"roam6 decode eth0.pcap --keys /etc/roam6/ha.yaml                  a real node's",
			"roam6 decode --hex 3b01050035480007c000006401020000",
			"xxd bu.bin | roam6 decode - --as mh",
		),
		Args: func(_ *cobra.Command, args []string) error { return d.checkArgs(args) },
		RunE: work(func(cmd *cobra.Command, args []string) error {
			return d.run(args, cmd.InOrStdin(), cmd.OutOrStdout())
		}),
	}
	f := cmd.Flags()
	f.StringArrayVar(&d.hex, "hex", nil, "decode these hex `digits` (may be repeated)")
	f.BoolVar(&d.summary, "summary", false, "one line a packet")
	f.BoolVar(&d.json, "json", false, "one JSON object a packet")
	f.BoolVar(&d.check, "check", false, "exit with status 1 if a shown packet has a fault")
	f.StringSliceVar(&d.only, "only", nil, "show only packets with one of these `layers` in them: "+strings.Join(describe.Layers(), ", "))
	f.StringVar(&d.as, "as", "", "`what` hex begins with, instead of recognising it: "+kindWords(", "))
	f.StringArrayVar(&d.keys, "keys", nil, "open ESP with the keys of a node's configuration or of a scenario: `FILE|SCENARIO` (may be repeated)")
	f.Uint64Var(&d.seed, "seed", 1, "`number` of the run, for --keys SCENARIO")
	_ = cmd.RegisterFlagCompletionFunc("seed", nothing)
	_ = cmd.RegisterFlagCompletionFunc("keys", func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		names, _ := scenarioNames(nil, nil, word)
		return names, cobra.ShellCompDirectiveDefault // or a file
	})
	_ = cmd.RegisterFlagCompletionFunc("as", cobra.FixedCompletions(strings.Split(kindWords(", "), ", "), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("only", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return describe.Layers(), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// decoder is one run of the command.
type decoder struct {
	hex           []string
	only          []string
	summary, json bool
	check         bool
	as            string
	keys          []string
	seed          uint64 // of the run whose keys are meant

	reader describe.Reader
	out    *bufio.Writer
	shown  int
	faulty int
	first  time.Time // of the first packet with a time
}

func (d *decoder) checkArgs(args []string) error {
	switch {
	case len(args) == 0 && len(d.hex) == 0:
		return usagef("nothing to decode: name a capture or a hex dump, \"-\" for standard input, or give --hex DIGITS")
	case len(args) > 0 && len(d.hex) > 0:
		return usagef("either files or --hex, not both")
	case d.json && d.summary:
		return usagef("either --json or --summary, not both")
	case d.as != "" && !slices.Contains(describe.Kinds(), describe.Kind(d.as)):
		return usagef("--as %s: allowed are %s", d.as, kindWords(", "))
	}
	for _, l := range d.only {
		if !slices.Contains(describe.Layers(), l) {
			return usagef("--only %s: allowed are %s", l, strings.Join(describe.Layers(), ", "))
		}
	}
	return nil
}

func (d *decoder) run(files []string, stdin io.Reader, stdout io.Writer) error {
	keys, err := readKeys(d.keys, d.seed)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		d.reader.Open = keys.open
	}
	d.out = bufio.NewWriter(stdout)
	err = d.decode(files, stdin)
	if e := d.out.Flush(); err == nil && e != nil {
		return e
	}
	if err == nil && d.check && d.faulty > 0 {
		return &failure{exitFailed, fmt.Errorf("%d of %d packets have a fault (marked with \"!!\")", d.faulty, d.shown)}
	}
	return err
}

func (d *decoder) decode(files []string, stdin io.Reader) error {
	for _, h := range d.hex {
		if err := readHex("--hex", strings.NewReader(h), d.packet); err != nil {
			return err
		}
	}
	for _, name := range files {
		if err := d.file(name, stdin); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) file(name string, stdin io.Reader) error {
	if name == "-" {
		return readPackets("standard input", stdin, d.packet)
	}
	f, err := os.Open(name)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return usagef("%s: %w", name, err)
	}
	defer f.Close()
	return readPackets(name, f, d.packet)
}

// packet shows one packet in the form asked for.
func (d *decoder) packet(p input) error {
	kind, err := p.kind(describe.Kind(d.as))
	if err != nil {
		return err
	}
	tree := d.reader.As(kind, p.data)
	if len(d.only) > 0 && !slices.ContainsFunc(d.only, tree.Has) {
		return nil
	}
	d.shown++
	if tree.Faults() > 0 {
		d.faulty++
	}
	switch {
	case d.json:
		err = d.packetJSON(p, tree)
	case d.summary:
		_, err = fmt.Fprintf(d.out, "%5d  %s%s\n", p.number, d.stamp(p), tree.Summary())
	default:
		if d.shown > 1 {
			_ = d.out.WriteByte('\n') // an error stays in the writer and shows below
		}
		_, err = fmt.Fprintf(d.out, "%s\n%s", p.title(), tree.Text())
	}
	return err
}

// stamp is the time since the first packet.
func (d *decoder) stamp(p input) string {
	if p.at.IsZero() {
		return ""
	}
	if d.first.IsZero() {
		d.first = p.at
	}
	return fmt.Sprintf("%11.6f  ", p.at.Sub(d.first).Seconds())
}

// packetLine is a packet as --json prints it.
type packetLine struct {
	File    string        `json:"file"`
	Packet  int           `json:"packet"`         // from 1
	Line    int           `json:"line,omitempty"` // where it begins in a text
	Time    *time.Time    `json:"time,omitempty"`
	Summary string        `json:"summary"`
	Faults  int           `json:"faults"`
	Tree    describe.Tree `json:"tree"`
}

func (d *decoder) packetJSON(p input, tree describe.Tree) error {
	l := packetLine{File: p.file, Packet: p.number, Line: p.line, Summary: tree.Summary(), Faults: tree.Faults(), Tree: tree}
	if !p.at.IsZero() {
		l.Time = &p.at
	}
	e := json.NewEncoder(d.out)
	e.SetEscapeHTML(false)
	return e.Encode(l)
}
