//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"roam6/driver"
	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
)

// tunName is the name of a node's TUN device, the Kernel port of its plane.
const tunName = "roam6"

// downPatience bounds the wait for a node to take in that a link went down.
const downPatience = 20 * time.Millisecond

// life is one run of a node's engines, from a start or restart to a crash or the end.
type life struct {
	node   *driver.Node
	cancel context.CancelFunc
	done   chan struct{}
	err    error // after done
}

// conceive builds a node's engines and opens their doors in its namespace; live starts them.
func (l *Lab) conceive(n *node) (*life, error) {
	if l.plain(n) {
		return nil, nil
	}
	n.lives++
	built, err := l.c.Build(*n.plan, scenario.Seed(l.c.Plan.Seed, "engine", n.plan.Name, fmt.Sprint(n.lives)))
	if err != nil {
		return nil, err
	}
	c := driver.Config{
		Name: n.plan.Name, Tun: tunName, Plane: l.c.Plane, Store: n.store, Epoch: l.zero, Refuse: built.Refuse,
		TLS: n.serves.TLS, Query: n.serves.Query,
		OnEvent: func(at time.Duration, eng string, ev engine.Event) {
			l.hub.event(l.zeroNanos()+nanos(at), n.plan.Name, eng, ev)
		},
		OnDrop: l.hub.dropped,
		OnAttach: func(e engine.Attach) {
			l.schedule.commanded(n.plan, e, l.nanosOf(time.Now()))
			n.commanded(e)
		},
	}
	for _, e := range built.Engines {
		c.Engines = append(c.Engines, driver.Engine{Name: e.Name, Engine: e.Engine})
	}
	for _, i := range n.plan.Ifaces {
		if i.Port > 0 {
			c.Links = append(c.Links, driver.Link{Port: i.Port, Ifname: i.Name, External: true, Userland: !n.plan.Owned(&i)})
		}
	}
	f := &life{done: make(chan struct{})}
	err = inNS(n.ns, func() (err error) {
		f.node, err = driver.New(c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// live starts the engines and tells them which links are up.
func (l *Lab) live(n *node, f *life) {
	ctx, cancel := context.WithCancel(context.Background())
	f.cancel = cancel
	n.life = f
	go func() {
		f.err = f.node.Run(ctx)
		close(f.done)
		if f.err != nil && ctx.Err() == nil {
			l.fail(fmt.Errorf("node %s: %w", n.plan.Name, f.err))
		}
	}()
	for k := range n.plan.Ifaces {
		i := &n.plan.Ifaces[k]
		if segment := l.emu.where(n.members[i.Name]); segment != "" {
			n.linkUp(i.Name, segment)
		}
	}
}

// die ends a life as a killed process ends: nothing is said, all its sockets and devices go.
func (n *node) die() error {
	f := n.life
	if f == nil {
		return nil
	}
	n.life = nil
	f.cancel()
	<-f.done
	err := f.node.Close()
	if errors.Is(f.err, context.Canceled) {
		f.err = nil
	}
	return errors.Join(f.err, err)
}

// ended reports whether the engines have ended by themselves.
func (f *life) ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

func (n *node) linkUp(iface, segment string) {
	i := n.iface(iface)
	if n.life != nil && i.Port > plane.Kernel {
		n.life.node.Inject("", engine.LinkUp{Port: i.Port, Name: i.Name, HW: i.HW, MTU: mtuOf(i), Attachment: segment, Cell: scenario.CellHW(segment)})
	}
}

// hint tells the node's engines where an interface will be soon.
func (n *node) hint(iface, segment string, in time.Duration) {
	i := n.iface(iface)
	if n.life != nil && i.Port > plane.Kernel {
		n.life.node.Inject("", engine.LinkHint{Port: i.Port, Attachment: segment, HW: scenario.CellHW(segment), In: in})
	}
}

func (n *node) linkDown(iface string) {
	i := n.iface(iface)
	if n.life != nil && i.Port > plane.Kernel {
		ctx, cancel := context.WithTimeout(context.Background(), downPatience)
		defer cancel()
		_ = n.life.node.InjectWait(ctx, "", engine.LinkDown{Port: i.Port}) // a node too busy to hear it loses what it sends
	}
}

// plain reports whether a node is a kernel without engines.
func (l *Lab) plain(n *node) bool { return n.plan.Config == nil || l.c.Build == nil }
