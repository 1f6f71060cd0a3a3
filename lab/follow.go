//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"roam6/driver"
	"roam6/engine"
	"roam6/scenario"
)

// followBacklog is the number of events a follower may lag behind before it loses some.
const followBacklog = 4096

// follower is a Recorder that passes events on to somebody who may be slow. The hub never waits for it.
type follower struct {
	silent
	node string // "": all
	c    chan Told
	lost int
}

func (f *follower) Event(at time.Duration, node, eng string, ev engine.Event) {
	if f.node != "" && f.node != node {
		return
	}
	select {
	case f.c <- Told{Node: node, Told: driver.Told{At: at, Engine: eng, Event: ev, Lost: f.lost}}:
		f.lost = 0
	default:
		f.lost++
	}
}

// Follow calls f with every event of a node, or of all when its name is empty, in the order of time, until ctx or the lab ends
// or f wants no more. Events come a moment late (hubHold), so that one told late still comes before later ones.
func (l *Lab) Follow(ctx context.Context, node string, f func(Told) error) error {
	l.mu.Lock()
	n, up := l.byName[node], l.up && !l.closed
	l.mu.Unlock()
	switch {
	case !up:
		return errNotUp
	case node != "" && n == nil:
		return l.noNode(node)
	case node != "" && l.plain(n):
		return fmt.Errorf("lab: node %q is a plain kernel and tells nothing; roam6 lab status shows which nodes run", node)
	}
	w := &follower{node: node, c: make(chan Told, followBacklog)}
	defer l.hub.listen(w)()
	for {
		select {
		case t := <-w.c:
			if err := f(t); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-l.ctx.Done():
			return nil
		}
	}
}

var errNotUp = errors.New("lab: it is not up")

// silent is a Recorder that takes no notice of anything.
type silent struct{}

func (silent) Event(time.Duration, string, string, engine.Event) {}
func (silent) Did(time.Duration, int)                            {}
func (silent) Sent(time.Duration, int, bool, uint32)             {}
func (silent) Received(time.Duration, int, bool, uint32)         {}
func (silent) Frame(time.Duration, string, string, bool, []byte) {}
func (silent) Dropped(string, int)                               {}

var _ scenario.Recorder = silent{}
