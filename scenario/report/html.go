package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"time"

	"roam6/scenario"
)

//go:embed page.html
var pageText string

//go:embed style.css
var styleText string

//go:embed script.js
var scriptText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"ms": number, "count": count, "thousands": thousands, "seconds": seconds, "route": route, "add": func(a, b int) int { return a + b },
	"number": func(m scenario.Millis) string { return number(&m) },
}).Parse(pageText))

// HTML is the run as one page: styles, drawings and script inside, nothing fetched from anywhere.
func HTML(r *scenario.Report) []byte {
	var w bytes.Buffer
	if err := page.Execute(&w, view(r)); err != nil {
		panic("report: " + err.Error()) // the template is fixed and a test runs it
	}
	return w.Bytes()
}

// pageView is what the template is filled with.
type pageView struct {
	Style    template.CSS
	Script   template.JS
	Report   *scenario.Report
	Result   *scenario.Result
	Passed   bool
	Tiles    []tile
	Charts   []figure
	Handover []handoverView
	More     int
	Summary  []summaryRow // of all handovers, when there are more
	Outages  []string
	Standing []string // when the machine stood still
	Excuse   string   // said of a run that is not as expected, when it did
	Partial  string   // said where outages are longer than the columns tell
	Voice    []voiceView
	Drops    []string
}

type tile struct{ Name, Value, Unit string }

type figure struct {
	Name string
	SVG  template.HTML
}

type voiceView struct {
	scenario.FlowResult
	R, Users string
}

type handoverView struct {
	N         int
	H         scenario.Handover
	Explained string
	Steps     []stepView
	SVG       template.HTML
}

// stepView is a step and its bar, in percent of the handover.
type stepView struct {
	scenario.Step
	Left, Width template.CSS
	Kind        string // colour: "blackout", "wait", "unknown"
}

func view(r *scenario.Report) pageView {
	v := pageView{
		Style: template.CSS(styleText), Script: template.JS(scriptText),
		Report: r, Result: r.Result, Passed: scenario.Passed(r.Checks), Tiles: tiles(r.Result), Drops: dropLines(r.Result), Partial: partial(r.Result),
		Standing: standing(r.Result),
	}
	if !v.Passed {
		v.Excuse = Excuse(r.Result)
	}
	for i := 0; i+1 < len(r.Overview); i += 2 {
		down, up := r.Overview[i], r.Overview[i+1]
		c := chart{
			id: fmt.Sprintf("flow%d", i), title: "Delay and loss of " + down.Flow + " over the run",
			text: "One-way delay of each packet against the time it was sent, and marks where packets were lost, down and up.",
			end:  r.Length, series: []scenario.Series{down, up}, handovers: first(r.Result),
		}
		v.Charts = append(v.Charts, figure{down.Flow, template.HTML(c.draw())})
	}
	for i, h := range r.Result.Handovers {
		if i == scenario.MaxZooms {
			v.More, v.Summary = len(r.Result.Handovers)-i, summary(r.Result.Handovers)
			break
		}
		v.Handover = append(v.Handover, handover(r, i, h))
	}
	for i, o := range r.Result.Shared() {
		if i < scenario.MaxZooms {
			v.Outages = append(v.Outages, sharedText(o, r.Result.Handovers))
		}
	}
	for _, f := range r.Result.Flows {
		x := voiceView{FlowResult: f, R: "–", Users: "–"}
		if f.R != nil {
			x.R, x.Users = fmt.Sprintf("%.1f", float64(*f.R)), users(float64(*f.R))
		}
		v.Voice = append(v.Voice, x)
	}
	return v
}

// first gives the handovers of the mobile node that the overview draws: the first one.
func first(r *scenario.Result) []scenario.Handover {
	var out []scenario.Handover
	for _, h := range r.Handovers {
		if h.Mobile == r.Handovers[0].Mobile {
			out = append(out, h)
		}
	}
	return out
}

func tiles(r *scenario.Result) []tile {
	t := r.Totals
	out := []tile{
		{"handovers", thousands(t.Handovers), ""},
		{"failed", thousands(t.Failed), ""},
		{"longest interruption", number(t.Interruption.Max), "ms"},
		{"largest L3 overhead", number(t.L3Overhead.Max), "ms"},
		{"packets lost in handovers", thousands(t.Lost), ""},
	}
	if worst := worstVoice(r); worst != "–" {
		out = append(out, tile{"voice quality, worst", worst, "of 93.2"})
	}
	return out
}

func handover(r *scenario.Report, i int, h scenario.Handover) handoverView {
	v := handoverView{N: i + 1, H: h, Explained: explained(h)}
	if n := len(h.Timeline); n > 0 {
		whole := float64(max(h.Timeline[n-1].At, 1))
		for j, s := range h.Timeline {
			kind := "wait"
			switch {
			case j == 0 && h.Blackout > 0:
				kind = "blackout"
			case s.WaitingFor == "" && j < n-1:
				kind = "unknown"
			case j == n-1:
				kind = "done"
			}
			v.Steps = append(v.Steps, stepView{
				Step: s, Kind: kind,
				Left:  template.CSS(fmt.Sprintf("%.3f%%", 100*float64(s.At)/whole)),
				Width: template.CSS(fmt.Sprintf("%.3f%%", 100*float64(s.Length)/whole)),
			})
		}
	}
	if i < len(r.Zoom) && len(r.Zoom[i]) == 2 && len(r.Zoom[i][0].Points) > 0 {
		s := r.Zoom[i][0]
		c := chart{
			id: fmt.Sprintf("handover%d", i+1), title: fmt.Sprintf("Delay and loss of the probe around handover %d", i+1),
			text:  "Time counts from the beginning of the handover.",
			start: s.Start, end: s.Start + time.Duration(len(s.Points))*s.Part, series: r.Zoom[i], handovers: []scenario.Handover{h}, relative: true,
		}
		v.SVG = template.HTML(c.draw())
	}
	return v
}
