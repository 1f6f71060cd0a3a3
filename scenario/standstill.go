package scenario

import "time"

// Standstill is a time in which the machine did not let a laboratory run: what was measured then is the machine's doing.
type Standstill struct {
	At     Millis `json:"at_ms"` // from the start of the run
	Length Millis `json:"ms"`

	Handovers []int `json:"-"` // whose figures it is in: numbers in the result, from 0, in order
}

// StoodStill notes when the world did not run, in order; of a world that never stands still nothing is noted. Not a part of Recorder:
// a world knows it when it runs again.
func (m *Measure) StoodStill(times []Standstill) { m.stood = times }

// standstills puts the times in which the world stood still down to handovers. One counts for a handover from its announcement until
// the node is registered and the interruption over. Later ones cost it at most packets that a buffer could not hold.
func (m *Measure) standstills(changes []*change, handovers []Handover) []Standstill {
	if m.stood == nil {
		return nil
	}
	out := make([]Standstill, len(m.stood))
	for k, s := range m.stood {
		out[k] = Standstill{At: s.At, Length: s.Length}
		for i, c := range changes {
			from, to := max(time.Duration(s.At), c.shaky.start), min(time.Duration(s.At+s.Length), c.shaky.end)
			if from < to {
				out[k].Handovers = append(out[k].Handovers, i)
				handovers[i].Stood += Millis(to - from)
			}
		}
	}
	return out
}

// Disturbed reports whether the machine stood still in the time of a handover.
func (r *Result) Disturbed() bool {
	for _, h := range r.Handovers {
		if h.Stood > 0 {
			return true
		}
	}
	return false
}
