// Package node turns a configuration into engines. It is the only room that knows all roles; the worlds that run the engines
// know none.
//
//	ha.yaml ──Parse──▶ Config, checked and located ──Build(seed)──▶ engines, in the order they are written
package node
