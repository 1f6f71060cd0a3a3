package scenario

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Result is what a run showed: DESIGN part 8, the same in every world. docs/result.md defines each figure. Its JSON is a
// contract that scripts rely on: keys are added, never renamed.
type Result struct {
	Scenario  string         `json:"scenario"`
	World     string         `json:"world"` // "sim" or "lab"
	Strategy  string         `json:"strategy"`
	Plane     string         `json:"plane"` // "soft" or "ebpf"
	Seed      uint64         `json:"seed"`
	Handovers []Handover     `json:"handovers"`
	Flows     []FlowResult   `json:"flows"`
	Drops     map[string]int `json:"drops"`
	Totals    Totals         `json:"totals"`
	Stood     []Standstill   `json:"stood_still,omitzero"` // nil in a world that never stands still
}

// Handover is one change of attachment of one mobile node.
type Handover struct {
	Mobile         string    `json:"mn"`
	From           string    `json:"from"` // segment
	To             string    `json:"to"`
	Type           string    `json:"type"`    // "bbm": the old link goes before the new one comes; "mbb": after
	Control        string    `json:"control"` // who decided: "mobile" controlled
	At             Millis    `json:"at_ms"`   // from the start of the run
	Outcome        string    `json:"outcome"` // Registered, FellBack or Failed
	Reason         string    `json:"reason"`
	Blackout       Millis    `json:"l2_blackout_ms"`
	Down           Direction `json:"down"` // toward the mobile node
	Up             Direction `json:"up"`
	Air            Air       `json:"air"`
	HomeRoundTrips int       `json:"home_round_trips"`
	Authenticated  *Millis   `json:"authenticated_ms"` // after link up, as the next two
	Registered     *Millis   `json:"registered_ms"`
	QoSRestored    *Millis   `json:"qos_restored_ms"`
	Timeline       []Step    `json:"timeline"`
	Stood          Millis    `json:"stood_still_ms,omitzero"` // how long the machine did not let the world run while these figures came about
}

// The outcomes of a handover.
const (
	Registered = "registered"
	FellBack   = "fell-back"
	Failed     = "failed"
)

// Direction is what the probe flow saw of a handover in one direction; all nil when the mobile node has no probe flow.
type Direction struct {
	Interruption *Millis `json:"interruption_ms"`
	Outage       *Millis `json:"outage_ms"` // whole, also beyond the window; nil when the interruption is a part of another handover's outage
	L3Overhead   *Millis `json:"l3_overhead_ms"`
	Lost         *int    `json:"lost"`
	Duplicated   *int    `json:"duplicated"`
	Reordered    *int    `json:"reordered"`
	MaxExtra     *Millis `json:"max_extra_delay_ms"`

	gapStart, gapEnd time.Duration // the interruption, of the run; equal when there was none
	overhead         time.Duration // the outage less the blackouts it reaches over
	quiet            time.Duration // the longest gap in a time without a handover, just before; notDone: there was none
	partOf           int           // 1 + the number of the handover whose outage the interruption is a part of; 0: none
}

// Air is the signalling that crossed radio cells for a handover.
type Air struct {
	Messages int `json:"messages"`
	Octets   int `json:"octets"` // whole IPv6 packets
}

// Step is one entry of a timeline: what had just happened, and what was then waited for, for how long. Each begins where
// the one before ends.
type Step struct {
	At         Millis `json:"at_ms"` // from the start of the handover
	Length     Millis `json:"ms"`
	Step       string `json:"step"`
	WaitingFor string `json:"waiting_for"`
}

// FlowResult is one direction of one flow over the whole run.
type FlowResult struct {
	Name       string   `json:"name"` // the flow's name, ":down" (toward the mobile node) or ":up"
	Sent       int      `json:"sent"`
	Received   int      `json:"received"` // different packets
	Lost       int      `json:"lost"`
	Duplicated int      `json:"duplicated"`
	Reordered  int      `json:"reordered"`
	Late       *int     `json:"late"`     // came too late to be heard; nil when the flow is not voice
	R          *Decimal `json:"r_factor"` // nil when the flow is not voice
	Delay      *OneWay  `json:"delay_ms"`
}

// Totals sum up the handovers of the result. Interruption and L3Overhead rank whole outages, each once.
type Totals struct {
	Handovers    int        `json:"handovers"`
	Failed       int        `json:"failed"`
	Lost         int        `json:"lost"`
	Duplicated   int        `json:"duplicated"`
	Reordered    int        `json:"reordered"`
	Interruption Percentile `json:"interruption_ms"`
	L3Overhead   Percentile `json:"l3_overhead_ms"`
}

// Percentile is nearest-rank percentiles; nil when there is nothing to rank.
type Percentile struct {
	P50 *Millis `json:"p50"`
	P99 *Millis `json:"p99"`
	Max *Millis `json:"max"`
}

// Millis is a time printed as milliseconds with at most three decimals.
type Millis time.Duration

// MarshalJSON prints 20, 2203.5, 0.125.
func (m Millis) MarshalJSON() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalJSON reads milliseconds.
func (m *Millis) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*m = Millis(f*1e6 + 0.5)
	return nil
}

// String prints the milliseconds without a unit.
func (m Millis) String() string {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	us := (int64(m) + 500) / 1000
	s := fmt.Sprintf("%s%d.%03d", sign, us/1000, us%1000)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Decimal is a number printed with at most one decimal.
type Decimal float64

// MarshalJSON prints 93.2, 50.
func (d Decimal) MarshalJSON() ([]byte, error) {
	return []byte(strings.TrimSuffix(strconv.FormatFloat(float64(d), 'f', 1, 64), ".0")), nil
}

// JSON is the result as `--json` prints it: indented, a newline at the end.
func (r *Result) JSON() []byte {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		panic("scenario: " + err.Error()) // plain values always print
	}
	return append(b, '\n')
}
