package driver

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// linkArgs are what the verbs about a link take besides port.
var linkArgs = map[string][]string{
	VerbLinkUp:   {"attachment", "hw"},
	VerbLinkDown: {},
	VerbHint:     {"hw", "attachment", "in"},
}

// link injects what a link-layer daemon knows and the kernel does not: a link's state, or where it will be soon. The port is given by
// number, or by the interface's name as wpa_cli -a gives it.
func (c *Control) link(ctx context.Context, r Request) error {
	for k := range r.Args {
		if k != "port" && !slices.Contains(linkArgs[r.Verb], k) {
			return fmt.Errorf("%s knows no argument %q; it takes port=NUMBER or port=INTERFACE, and link-up also attachment=TEXT and hw=BSSID, "+
				"hint also hw=BSSID, attachment=TEXT and in=DURATION", r.Verb, k)
		}
	}
	port, err := c.port(r.Args["port"])
	if err != nil {
		return err
	}
	var in engine.Input = engine.LinkDown{Port: port}
	switch r.Verb {
	case VerbLinkUp:
		up := engine.LinkUp{Port: port, Attachment: r.Args["attachment"]}
		if text, given := r.Args["hw"]; given {
			if up.Cell, err = bssid(text); err != nil {
				return err
			}
		}
		in = up
	case VerbHint:
		if in, err = hint(port, r.Args); err != nil {
			return err
		}
	}
	return c.n.InjectWait(ctx, "", in)
}

// port finds a link by its number or its interface's name.
func (c *Control) port(arg string) (plane.Port, error) {
	var have []string
	for _, l := range c.n.c.Links {
		number := fmt.Sprint(int(l.Port))
		if arg == l.Ifname || arg == number {
			return l.Port, nil
		}
		have = append(have, number+"="+l.Ifname)
	}
	return plane.Kernel, fmt.Errorf("no port %q; the node has %s", arg, strings.Join(have, ", "))
}

// bssid reads the identity of a point of attachment.
func bssid(text string) (plane.HW, error) {
	hw, err := net.ParseMAC(text)
	if err != nil || len(hw) != len(plane.HW{}) {
		return plane.HW{}, fmt.Errorf("hw=%q: the BSSID of the next point of attachment is wanted, such as hw=02:00:5e:10:00:01", text)
	}
	return plane.HW(hw), nil
}

// hint reads the arguments of the verb.
func hint(port plane.Port, args map[string]string) (engine.Input, error) {
	hw, err := bssid(args["hw"])
	if err != nil {
		return nil, err
	}
	h := engine.LinkHint{Port: port, Attachment: args["attachment"], HW: hw}
	if text, given := args["in"]; given {
		if h.In, err = time.ParseDuration(text); err != nil || h.In < 0 {
			return nil, fmt.Errorf("in=%q: a duration is wanted, such as in=200ms", text)
		}
	}
	return h, nil
}
