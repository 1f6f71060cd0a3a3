package scenario

import (
	"slices"
	"time"

	"roam6/engine"
)

// Words of the timeline that no engine tells.
const (
	stepBlackout  = "link lost"
	waitBlackout  = "the radio (imposed blackout)"
	stepLinkUp    = "link up"
	stepLost      = "link lost, another is up"
	stepGained    = "better link up"
	waitUser      = "first packet"
	stepFirstDown = "first packet delivered, down"
	stepFirstUp   = "first packet delivered, up"
	stepSentUp    = "first packet sent, up"
	waitDown      = "first packet down"
	waitUp        = "first packet up"
	waitWayUp     = "packets up: the usual delay"
	stepFirst     = "first packet delivered"
	stepNone      = "no packet delivered any more"
)

// waitPrevious is what a node waits for that has a fast handover behind it, in its strategy's words.
const waitPrevious = "packets by the previous router"

// timeline explains a handover: contiguous steps from its first action until the first packet was delivered in both
// directions. For a node that is not measured it ends with its last step. What nobody explained waits for "".
func timeline(c *change, events []told, down, up time.Duration, measured bool) []Step {
	var out []Step
	add := func(at time.Duration, step, waiting string) {
		if n := len(out); n > 0 && out[n-1].At == Millis(at-c.first) && out[n-1].WaitingFor == "" {
			out = out[:n-1] // what came at the same moment explains it
		} else if n > 0 && out[n-1].WaitingFor == "" && out[n-1].Step == step {
			out[n-1].WaitingFor = waiting // the same, told by the world and a moment later by the node
			return
		}
		out = append(out, Step{At: Millis(at - c.first), Step: step, WaitingFor: waiting})
	}
	end, open := finish(c, down, up)
	begin := c.first
	switch {
	case c.detach == notDone:
		add(c.first, stepGained, "")
	case c.mbb:
		add(c.first, stepLost, "")
	case c.attach == notDone:
		add(c.first, stepBlackout, "a link")
	default:
		add(c.first, stepBlackout, waitBlackout)
		begin = c.attach
		if begin < end {
			add(begin, stepLinkUp, "")
		}
	}
	for _, e := range events {
		if e.name != engine.EventStep || e.at < begin || e.at > end {
			continue
		}
		waiting := e.reason
		if waiting == "" && measured {
			waiting = waitUser
		}
		add(e.at, e.step, waiting)
	}
	out = c.forwarded(out, down)
	switch {
	case !measured:
	case open:
		add(end, stepNone, "")
	default:
		switch {
		case down < up:
			out = c.upLast(out, down, up)
		case up < down:
			out = insert(out, Step{At: Millis(up - c.first), Step: stepFirstUp, WaitingFor: waitDown})
		}
		add(end, stepFirst, "")
	}
	for i := range out[:len(out)-1] {
		out[i].Length = out[i+1].At - out[i].At
	}
	return out
}

// forwarded mends what is told after a fast handover. The strategy below it tells its own steps, as if nothing came before they were
// done; a first packet down that came before the binding was acknowledged came by the previous router, and was all that was waited for.
func (c *change) forwarded(steps []Step, down time.Duration) []Step {
	k := slices.IndexFunc(steps, func(s Step) bool { return s.WaitingFor == waitPrevious })
	if k < 0 {
		return steps
	}
	came := Millis(down - c.first) // until then
	for _, s := range steps[k+1:] {
		if down == notDone || s.WaitingFor == waitUser && s.At <= came {
			came = 0
		}
	}
	out := steps[: k+1 : k+1]
	for i, s := range steps[k+1:] {
		if s.At < came {
			s.WaitingFor = waitPrevious
		}
		before, next := out[len(out)-1], k+1+i+1
		nothing := s.WaitingFor == before.WaitingFor || next < len(steps) && steps[next].At == s.At
		if s.Step != before.Step || !nothing { // not told twice
			out = append(out, s)
		}
	}
	return out
}

// upLast tells the time from the first packet delivered down to the first one delivered up. Until that one leaves it is waited
// for. Then it only takes the way that packets up took before the handover as well, which is in no outage: so did the last packets
// sent on the old link, which came when it was gone.
func (c *change) upLast(out []Step, down, up time.Duration) []Step {
	sent := max(down, up-c.wayUp)
	switch {
	case c.wayUp == 0:
		return insert(out, Step{At: Millis(down - c.first), Step: stepFirstDown, WaitingFor: waitUp})
	case sent == down:
		out = insert(out, Step{At: Millis(down - c.first), Step: stepFirstDown, WaitingFor: waitWayUp})
	default:
		out = insert(out, Step{At: Millis(down - c.first), Step: stepFirstDown, WaitingFor: waitUp})
		out = insert(out, Step{At: Millis(sent - c.first), Step: stepSentUp, WaitingFor: waitWayUp})
	}
	for i := range out {
		if out[i].At > Millis(sent-c.first) && out[i].WaitingFor == waitUser {
			out[i].WaitingFor = waitWayUp
		}
	}
	return out
}

// finish is when the timeline ends: when packets were delivered in both directions again, or with the window.
func finish(c *change, down, up time.Duration) (end time.Duration, open bool) {
	if down == notDone || up == notDone {
		return c.window.end, true
	}
	return max(down, up), false
}

// insert puts a step into its place in time; a step that came later keeps its own words.
func insert(steps []Step, s Step) []Step {
	i := len(steps)
	for i > 0 && steps[i-1].At > s.At {
		i--
	}
	steps = append(steps, Step{})
	copy(steps[i+1:], steps[i:])
	steps[i] = s
	return steps
}

// Accounted is the part 0..1 of a handover's interruption that its timeline explains: the worse of the two directions. A
// handover without interruption is explained.
func Accounted(h Handover) float64 {
	worst := 1.0
	for _, d := range []Direction{h.Down, h.Up} {
		length := d.gapEnd - d.gapStart
		if d.Interruption == nil || length <= 0 || *d.Interruption <= 0 {
			continue
		}
		explained := time.Duration(0)
		for _, s := range h.Timeline {
			if s.WaitingFor == "" {
				continue
			}
			from := max(time.Duration(h.At+s.At), d.gapStart)
			to := min(time.Duration(h.At+s.At+s.Length), d.gapEnd)
			explained += max(0, to-from)
		}
		// The sending interval is in the gap but no interruption: it explains itself.
		worst = min(worst, float64(explained)/float64(*d.Interruption))
	}
	return worst
}
