package engine

// Event is a fact worth telling: a state change, a drop with its reason, a step of a handover. Logs,
// metrics, dashboards, results and checkers are readers of this one stream. It never holds a key.
type Event struct {
	Name   string `json:"name"`             // one of the Event… names below, or a role's own
	Reason string `json:"reason,omitempty"` // EventDrop: why; EventStep: what is waited for; EventState: why
	Attrs  []Attr `json:"attrs,omitempty"`
}

// Attr is one named detail of an Event.
type Attr struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// A makes an Attr from anything that prints itself, such as a netip.Addr.
func A(key string, value interface{ String() string }) Attr { return Attr{key, value.String()} }

// S makes an Attr from a string.
func S(key, value string) Attr { return Attr{key, value} }

// Get returns the value of the named detail, or "".
func (e Event) Get(key string) string {
	for _, a := range e.Attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// Names of events that every reader may rely on. Roles add their own ("binding.added").
const (
	EventDrop          = "drop"            // a message refused or malformed; Reason says why
	EventStep          = "step"            // a handover step; Reason says what is waited for, empty at the end
	EventState         = "state"           // a machine changed state; attrs machine, from, to
	EventHomeRoundTrip = "home.round-trip" // an exchange with the home network was completed
	EventRegistered    = "registered"      // the mobile node is reachable at its new address; attrs hoa, coa, ha, port
	EventFellBack      = "fell-back"       // a strategy gave up one step; Reason says why
	EventFailed        = "failed"          // a handover failed; Reason says why
	EventKeyUse        = "key.use"         // a key was put to use or retired; attrs name its SPI, never the key
)
