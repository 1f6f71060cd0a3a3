package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"roam6/driver/gate"
)

// The states of a kernel part.
const (
	partLoaded  = "loaded"
	partBuiltIn = "built in"
	partAbsent  = "not loaded"
)

// optional are kernel parts that roam6 does without; other tools on the machine may want them.
var optional = []string{"ip6_tunnel", "esp6", "mip6", "sch_netem", "vrf", "dummy", "veth"}

// moduleStates says of each optional part how it is there. What is built in shows below /sys/module only if it has
// parameters; modules.builtin names it in any case, and whole says that there is such a list.
func moduleStates(root fs.FS, release string) (states map[string]string, whole bool) {
	builtin := map[string]bool{}
	text, err := fs.ReadFile(root, "lib/modules/"+release+"/modules.builtin")
	whole = err == nil
	for line := range strings.Lines(string(text)) {
		name, ok := strings.CutSuffix(path.Base(strings.TrimSpace(line)), ".ko")
		if ok {
			builtin[strings.ReplaceAll(name, "-", "_")] = true
		}
	}
	states = map[string]string{}
	for _, m := range optional {
		_, err := fs.Stat(root, "sys/module/"+m)
		switch {
		case builtin[m]:
			states[m] = partBuiltIn
		case err == nil:
			states[m] = partLoaded
		default:
			states[m] = partAbsent
		}
	}
	return states, whole
}

// modulesFinding tells the states in words.
func modulesFinding(states map[string]string, whole bool) finding {
	var words []string
	for _, state := range []string{partLoaded, partBuiltIn, partAbsent} {
		var names []string
		for _, m := range optional {
			if states[m] == state {
				names = append(names, m)
			}
		}
		if len(names) > 0 {
			words = append(words, state+": "+strings.Join(names, " "))
		}
	}
	if !whole {
		words = append(words, "what is built in may not show, for want of /lib/modules/…/modules.builtin")
	}
	return finding{Name: "kernel modules", State: info, Found: strings.Join(words, "; ") + " (roam6 needs none of them)"}
}

// gateFinding tells what gate.Probe said of nf_tables.
func gateFinding(err error) finding {
	f := finding{Name: "nf_tables", State: have, Found: "gates hold and meters count in a kernel that forwards"}
	switch {
	case errors.Is(err, gate.ErrNotAsked):
		f.State, f.Found, f.Do = info, err.Error(), "sudo roam6 doctor, to know whether gates hold and meters count in this kernel"
	case err != nil:
		f.State, f.Found = lack, "the kernel takes no gate or no meter: "+err.Error()
		f.Costs = "gates and meters on links with kernel: on: this kernel forwards past them (no role has one yet)"
		f.Do = "sudo modprobe nf_tables; if there is no such module: a kernel of Linux 5.12 or later with CONFIG_NF_TABLES, CONFIG_NF_TABLES_IPV6 and, " +
			"where it has them, CONFIG_NFT_OBJREF and CONFIG_NFT_COUNTER, such as Debian's (apt install linux-image-$(dpkg --print-architecture))"
	}
	return f
}

// smallNeighbourTable is the kernel's own gc_thresh3; who has more has thought of it.
const smallNeighbourTable = 1024

// neighbourFindings tells a router how many neighbours it can have: a stranger who sends to addresses of a link that nobody has makes
// it ask for each (RFC 6583). In a network namespace of its own the limit cannot be read, and nothing is told.
func neighbourFindings(limit string) []finding {
	n, err := strconv.Atoi(limit)
	if err != nil {
		return nil
	}
	f := finding{Name: "neighbour table", State: info, Found: fmt.Sprintf("up to %d entries", n)}
	if n <= smallNeighbourTable {
		f.Found += "; strangers who send to random addresses of a home or access link can fill it"
		f.Do = "let in only what is for hosts of the link: SECURITY.md, \"Random addresses of a link\""
	}
	return []finding{f}
}
