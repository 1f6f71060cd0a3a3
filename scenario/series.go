package scenario

import "time"

// SeriesPoints is the number of points of one drawn series at most: more than a screen has columns of pixels.
const SeriesPoints = 1200

// Series is one direction of one flow for drawing: time cut into equal parts, by the time packets were sent.
type Series struct {
	Flow   string
	Down   bool
	Start  time.Duration // of the first part
	Part   time.Duration // length of one part
	Points []Point
}

// Point is one part of a Series. Min and Max are the delays of the packets sent in it; both are 0 when none arrived.
type Point struct {
	Sent, Lost int
	Min, Max   time.Duration
}

// Series cuts a flow's packets sent from start to end into at most SeriesPoints parts.
func (m *Measure) Series(flow int, down bool, start, end time.Duration) Series {
	f, t := m.plan.Flows[flow], m.track(flow, down)
	s := Series{Flow: f.Name, Down: down, Start: start}
	s.Part = max(f.Interval, (end-start+SeriesPoints-1)/SeriesPoints)
	if end <= start {
		return s
	}
	s.Points = make([]Point, min(SeriesPoints, int((end-start+s.Part-1)/s.Part)))
	from, to := t.sentIn(window{start, end})
	came := make([]bool, to-from)
	for _, at := range t.sent[from:to] {
		if i := int((at - start) / s.Part); i < len(s.Points) && at != notDone {
			s.Points[i].Sent++
		}
	}
	for _, a := range t.arrivals {
		seq := int(a.seq)
		if seq < from || seq >= to || came[seq-from] {
			continue
		}
		came[seq-from] = true
		if i := int((t.sent[seq] - start) / s.Part); i < len(s.Points) {
			p, delay := &s.Points[i], a.at-t.sent[seq]
			if p.Max == 0 || delay < p.Min {
				p.Min = delay
			}
			p.Max = max(p.Max, delay)
		}
	}
	for i, ok := range came {
		if j := int((t.sent[from+i] - start) / s.Part); !ok && t.sent[from+i] != notDone && j < len(s.Points) {
			s.Points[j].Lost++
		}
	}
	return s
}

// Report is everything a report shows of one run.
type Report struct {
	Title, Shows string
	Length       time.Duration
	Result       *Result
	Checks       []Check
	Overview     []Series // every direction of the first mobile node's flows over the whole run
	Zoom         [][]Series
	// Zoom[i] is the probe, down and up, around handover i; nil when it was not measured or comes after MaxZooms.
}

// MaxZooms is the number of handovers that a report draws.
const MaxZooms = 12

// Report gathers what a report shows.
func (m *Measure) Report(s *Scenario, e Expect) *Report {
	r := m.Result()
	out := &Report{Title: s.Title, Shows: s.Shows, Length: m.plan.Length, Result: r, Checks: Verdict(r, e), Zoom: make([][]Series, len(r.Handovers))}
	first := ""
	for i, f := range m.plan.Flows {
		if first == "" {
			first = f.Mobile
		}
		if f.Mobile == first {
			out.Overview = append(out.Overview, m.Series(i, true, 0, m.plan.Length), m.Series(i, false, 0, m.plan.Length))
		}
	}
	drawn := 0
	for i, h := range r.Handovers {
		x := m.mobiles[h.Mobile]
		if x.probe < 0 || drawn == MaxZooms || len(h.Timeline) == 0 {
			continue
		}
		drawn++
		length := time.Duration(h.Timeline[len(h.Timeline)-1].At)
		margin := max(length/10, 100*time.Millisecond) // what was on its way when the link went is lost too
		start, end := max(0, time.Duration(h.At)-margin), min(m.plan.Length, time.Duration(h.At)+length+margin)
		out.Zoom[i] = []Series{m.Series(x.probe, true, start, end), m.Series(x.probe, false, start, end)}
	}
	return out
}
