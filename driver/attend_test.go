package driver

import (
	"context"
	"net"
	"testing"
	"time"

	"roam6/engine"
)

// A node answers on a connection that others accepted, until they end it.
func TestAttend(t *testing.T) {
	n := begin(t, Config{Name: "x", Host: &Memory{}, Engines: []Engine{{"e", &script{deadline: engine.Never}}}})
	ours, theirs := net.Pipe()
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Attend(ctx, theirs)
	}()
	c := NewClient(ours)
	if r, err := c.Call(t.Context(), "", VerbEngines, nil); err != nil || string(r.Data) != `["e"]` {
		t.Errorf("%s, %v", r.Data, err)
	}
	end()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the client is attended to for ever")
	}
	if _, err := c.Call(t.Context(), "", VerbEngines, nil); err == nil {
		t.Error("a client that was sent away gets answers")
	}
}
