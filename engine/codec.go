package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Entry is one line of a journal: an input handed to an engine, or an effect it appended. A journal is
// the entries of an engine's life in order; feeding its inputs to the same build, configuration and seed must
// give its effects again, octet for octet.
type Entry struct {
	Mono   Mono   `json:"mono"`
	Wall   int64  `json:"wall"` // nanoseconds since 1970, UTC
	Engine string `json:"engine"`
	Input  Input  `json:"-"`
	Effect Effect `json:"-"`
}

// line is Entry as JSON: the kind names the Go type.
type line struct {
	Mono   Mono            `json:"mono"`
	Wall   int64           `json:"wall"`
	Engine string          `json:"engine"`
	In     string          `json:"in,omitempty"`
	Out    string          `json:"out,omitempty"`
	Value  json.RawMessage `json:"value"`
}

// MarshalJSON writes the entry with the kind of its input or effect.
func (e Entry) MarshalJSON() ([]byte, error) {
	l := line{Mono: e.Mono, Wall: e.Wall, Engine: e.Engine}
	var v any
	switch {
	case e.Input != nil:
		l.In, v = kindOf(e.Input), e.Input
	case e.Effect != nil:
		l.Out, v = kindOf(e.Effect), e.Effect
	default:
		return nil, fmt.Errorf("engine: journal entry holds neither input nor effect")
	}
	var err error
	if l.Value, err = json.Marshal(v); err != nil {
		return nil, err
	}
	return json.Marshal(l)
}

// UnmarshalJSON reads what MarshalJSON wrote and refuses anything else.
func (e *Entry) UnmarshalJSON(b []byte) error {
	var l line
	if err := strict(b, &l); err != nil {
		return err
	}
	*e = Entry{Mono: l.Mono, Wall: l.Wall, Engine: l.Engine}
	switch {
	case l.In != "" && l.Out == "":
		in, err := inputOf(l.In, l.Value)
		e.Input = in
		return err
	case l.Out != "" && l.In == "":
		out, err := effectOf(l.Out, l.Value)
		e.Effect = out
		return err
	}
	return fmt.Errorf("engine: journal line must have exactly one of \"in\" and \"out\"")
}

func kindOf(v any) string {
	switch v.(type) {
	case Start:
		return "start"
	case Packet:
		return "packet"
	case Tick:
		return "tick"
	case LinkUp:
		return "link-up"
	case LinkDown:
		return "link-down"
	case LinkHint:
		return "link-hint"
	case Traffic:
		return "traffic"
	case Command:
		return "command"
	case Opened:
		return "opened"
	case Stream:
		return "stream"
	case Closed:
		return "closed"
	case Result:
		return "result"
	case Measured:
		return "measured"
	}
	return effectKind(v) // a Datagram is either
}

func effectKind(v any) string {
	switch v.(type) {
	case Send:
		return "send"
	case Plane:
		return "plane"
	case Persist:
		return "persist"
	case Attach:
		return "attach"
	case Reply:
		return "reply"
	case Event:
		return "event"
	case Listen:
		return "listen"
	case Dial:
		return "dial"
	case Write:
		return "write"
	case Close:
		return "close"
	case Query:
		return "query"
	case Measure:
		return "measure"
	case Bind:
		return "bind"
	case Datagram:
		return "datagram"
	}
	panic(fmt.Sprintf("engine: %T has no journal kind", v))
}

func inputOf(kind string, b []byte) (Input, error) {
	switch kind {
	case "start":
		return decode[Start](b)
	case "packet":
		return decode[Packet](b)
	case "tick":
		return decode[Tick](b)
	case "link-up":
		return decode[LinkUp](b)
	case "link-down":
		return decode[LinkDown](b)
	case "link-hint":
		return decode[LinkHint](b)
	case "traffic":
		return decode[Traffic](b)
	case "command":
		return decode[Command](b)
	case "opened":
		return decode[Opened](b)
	case "stream":
		return decode[Stream](b)
	case "closed":
		return decode[Closed](b)
	case "result":
		return decode[Result](b)
	case "measured":
		return decode[Measured](b)
	case "datagram":
		return decode[Datagram](b)
	}
	return nil, fmt.Errorf("engine: journal input kind %q is not one of start, packet, tick, link-up, link-down, link-hint, traffic, command, opened, stream, closed, result, measured, datagram", kind)
}

func effectOf(kind string, b []byte) (Effect, error) {
	switch kind {
	case "send":
		return decode[Send](b)
	case "plane":
		return decode[Plane](b)
	case "persist":
		return decode[Persist](b)
	case "attach":
		return decode[Attach](b)
	case "reply":
		return decode[Reply](b)
	case "event":
		return decode[Event](b)
	case "listen":
		return decode[Listen](b)
	case "dial":
		return decode[Dial](b)
	case "write":
		return decode[Write](b)
	case "close":
		return decode[Close](b)
	case "query":
		return decode[Query](b)
	case "measure":
		return decode[Measure](b)
	case "bind":
		return decode[Bind](b)
	case "datagram":
		return decode[Datagram](b)
	}
	return nil, fmt.Errorf("engine: journal effect kind %q is not one of send, plane, persist, attach, reply, event, listen, dial, write, close, query, measure, bind, datagram", kind)
}

func decode[T any](b []byte) (T, error) {
	var v T
	err := strict(b, &v)
	return v, err
}

func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("engine: journal: %w", err)
	}
	return nil
}
