package engine

import "roam6/plane"

// Effect is something to be done. The set is closed: these types and no others, all plain values.
type Effect interface{ effect() }

// Send transmits a whole IPv6 packet. On a link port To is the link-layer destination; on the Kernel
// port the host's routing decides and To is zero.
type Send struct {
	Port plane.Port `json:"port"`
	To   plane.HW   `json:"to"`
	Data []byte     `json:"data"`
}

// Plane changes the wanted forwarding state.
type Plane struct {
	Op plane.Op `json:"op"`
}

// Persist writes a durable record; a nil Value deletes it. No later effect of the same input happens before the
// record is durable: sequence numbers and replay windows survive a crash because of it.
type Persist struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Value  []byte `json:"value"`
}

// Attach says that the engine has prepared what it can for a point of attachment: the link may switch now. A world whose
// links cannot be commanded ignores it, and the link switches when it does.
type Attach struct {
	Port       plane.Port `json:"port"`
	Attachment string     `json:"attachment"` // as the LinkHint named it, or the BSSID where none did
}

// Reply answers a Command. Data is JSON when Err is empty.
type Reply struct {
	ID   uint64 `json:"id"`
	Err  string `json:"err,omitempty"`
	Data []byte `json:"data,omitempty"`
}

func (Send) effect()    {}
func (Plane) effect()   {}
func (Persist) effect() {}
func (Attach) effect()  {}
func (Reply) effect()   {}
func (Event) effect()   {}
func (Listen) effect()  {}
func (Dial) effect()    {}
func (Write) effect()   {}
func (Close) effect()   {}
func (Query) effect()   {}
func (Measure) effect() {}

// Effects is the ordered list one Handle call appends to. Order is meaning: see Persist.
type Effects struct {
	List []Effect
}

// Reset empties the list and keeps its memory.
func (e *Effects) Reset() {
	clear(e.List)
	e.List = e.List[:0]
}

// Send appends a Send.
func (e *Effects) Send(port plane.Port, to plane.HW, data []byte) {
	e.List = append(e.List, Send{Port: port, To: to, Data: data})
}

// Persist appends a Persist.
func (e *Effects) Persist(bucket, key string, value []byte) {
	e.List = append(e.List, Persist{Bucket: bucket, Key: key, Value: value})
}

// Attach appends an Attach.
func (e *Effects) Attach(port plane.Port, attachment string) {
	e.List = append(e.List, Attach{Port: port, Attachment: attachment})
}

// Reply appends a Reply.
func (e *Effects) Reply(r Reply) { e.List = append(e.List, r) }

// Plane appends a change of the forwarding state.
func (e *Effects) Plane(op plane.Op) { e.List = append(e.List, Plane{Op: op}) }

// Event appends an event.
func (e *Effects) Event(name string, attrs ...Attr) {
	e.List = append(e.List, Event{Name: name, Attrs: attrs})
}

// Drop appends the event of a refused or malformed message: EventDrop with its reason. Whoever runs the
// engine counts drops by reason; reasons are short, fixed words joined by hyphens, never data.
func (e *Effects) Drop(reason string, attrs ...Attr) {
	e.List = append(e.List, Event{Name: EventDrop, Reason: reason, Attrs: attrs})
}

// Step appends one step of a handover: what has just happened, and what is waited for from now on. Steps
// become the timeline of the result; a step that waits for nothing ends the handover.
func (e *Effects) Step(step, waitingFor string, attrs ...Attr) {
	e.List = append(e.List, Event{Name: EventStep, Reason: waitingFor, Attrs: append([]Attr{{"step", step}}, attrs...)})
}
