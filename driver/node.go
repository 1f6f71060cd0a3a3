package driver

import (
	"context"
	"errors"

	"roam6/engine"
)

// Node is a running node. Its methods may be called from any goroutine.
type Node struct{ c Config }

// New prepares a node.
func New(c Config) (*Node, error) { return &Node{c}, nil }

var errSoon = errors.New("driver: not built yet")

// Run runs the node until the context ends or it fails.
func (n *Node) Run(ctx context.Context) error { return errSoon }

// Inject hands an input to one engine, or to all when the name is empty.
func (n *Node) Inject(engineName string, in engine.Input) {}

// Command gives an order to an engine and waits for its reply.
func (n *Node) Command(ctx context.Context, engineName, verb string, args map[string]string) (engine.Reply, error) {
	return engine.Reply{}, errSoon
}

// Views asks every engine for its view.
func (n *Node) Views(ctx context.Context) map[string]any { return nil }

// Stats tells what the node has counted.
func (n *Node) Stats(ctx context.Context) Stats { return Stats{} }

// Close removes every address, route and device the node made.
func (n *Node) Close() error { return nil }
