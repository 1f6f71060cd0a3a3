package report

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"

	"roam6/scenario"
)

// Geometry of a chart in SVG units, which the page scales to its width.
const (
	chartWidth  = 1000
	chartHeight = 260
	padLeft     = 58
	padRight    = 12
	padTop      = 22
	laneHeight  = 9 // a lane of loss marks
	padBottom   = 26
	laneGap     = 14 // between the plot and the lanes: half a line of text
)

// chart draws delay over time, logarithmic, and below it one lane of loss marks a series.
type chart struct {
	id          string
	title, text string
	start, end  time.Duration
	series      []scenario.Series
	handovers   []scenario.Handover
	relative    bool // time is printed from the handover's beginning, in ms
	plotBottom  float64
	least, most time.Duration // of the delay axis, powers of ten
	w           strings.Builder
}

// draw gives the SVG.
func (c *chart) draw() string {
	c.plotBottom = chartHeight - padBottom - float64(len(c.series))*(laneHeight+3) - laneGap
	c.scale()
	fmt.Fprintf(&c.w, `<svg class="chart" viewBox="0 0 %d %d" role="img" aria-labelledby="%s-t %s-d" data-start="%d" data-end="%d" data-left="%d" data-right="%d">`,
		chartWidth, chartHeight, c.id, c.id, c.start.Microseconds(), c.end.Microseconds(), padLeft, chartWidth-padRight)
	fmt.Fprintf(&c.w, `<title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, c.id, html.EscapeString(c.title), c.id, html.EscapeString(c.text))
	c.outages()
	c.axes()
	for i, s := range c.series {
		c.delays(s)
		c.losses(i, s)
	}
	fmt.Fprintf(&c.w, `<line class="cursor" x1="0" x2="0" y1="%d" y2="%d" visibility="hidden"/></svg>`, padTop, chartHeight-padBottom)
	return c.w.String()
}

// scale chooses the powers of ten that hold all delays, two at least.
func (c *chart) scale() {
	c.least, c.most = 10*time.Second, time.Microsecond
	for _, s := range c.series {
		for _, p := range s.Points {
			for p.Max > 0 && c.least > time.Microsecond && p.Min < c.least {
				c.least /= 10
			}
			for c.most < p.Max {
				c.most *= 10
			}
		}
	}
	c.least = min(c.least, 10*time.Millisecond)
	c.most = max(c.most, 100*c.least)
}

// x is the place of a time.
func (c *chart) x(at time.Duration) float64 {
	return padLeft + float64(at-c.start)/float64(max(c.end-c.start, 1))*(chartWidth-padLeft-padRight)
}

// y is the place of a delay: logarithmic.
func (c *chart) y(delay time.Duration) float64 {
	part := math.Log10(float64(max(delay, c.least))/float64(c.least)) / math.Log10(float64(c.most)/float64(c.least))
	return c.plotBottom - part*(c.plotBottom-padTop)
}

// outages shades each handover from its beginning to its first packet in both directions.
func (c *chart) outages() {
	for i, h := range c.handovers {
		if len(h.Timeline) == 0 {
			continue
		}
		from := time.Duration(h.At)
		to := from + time.Duration(h.Timeline[len(h.Timeline)-1].At)
		if to < c.start || from > c.end {
			continue
		}
		a, b := c.x(max(from, c.start)), c.x(min(to, c.end))
		fmt.Fprintf(&c.w, `<rect class="outage" x="%.1f" y="%d" width="%.1f" height="%d"/>`, a, padTop, math.Max(b-a, 1.5), chartHeight-padBottom-padTop)
		if black := from + time.Duration(h.Blackout); h.Blackout > 0 {
			fmt.Fprintf(&c.w, `<rect class="blackout" x="%.1f" y="%d" width="%.1f" height="%d"/>`, a, padTop, math.Max(c.x(min(black, c.end))-a, 1.5), chartHeight-padBottom-padTop)
		}
		if !c.relative {
			fmt.Fprintf(&c.w, `<text class="label" x="%.1f" y="%d">%d: %s</text>`, a+2, padTop-7, i+1, html.EscapeString(route(h)))
		}
	}
}

func (c *chart) axes() {
	for d := c.least; d <= c.most; d *= 10 {
		y := c.y(d)
		fmt.Fprintf(&c.w, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="tick" x="%d" y="%.1f" text-anchor="end">%s</text>`,
			padLeft, chartWidth-padRight, y, y, padLeft-6, y+4, d)
	}
	origin := time.Duration(0)
	if c.relative && len(c.handovers) > 0 {
		origin = time.Duration(c.handovers[0].At)
	}
	step := tick(c.end - c.start)
	first := (c.start - origin) / step * step
	for t := first; t+origin <= c.end; t += step {
		if t+origin < c.start {
			continue
		}
		x := c.x(t + origin)
		fmt.Fprintf(&c.w, `<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text class="tick" x="%.1f" y="%d" text-anchor="middle">%s</text>`,
			x, x, padTop, chartHeight-padBottom, x, chartHeight-8, clock(t, step))
	}
}

// tick is a round distance that makes about ten marks.
func tick(length time.Duration) time.Duration {
	for step := time.Microsecond; ; step *= 10 {
		for _, m := range []time.Duration{1, 2, 5} {
			if length/(step*m) <= 12 {
				return step * m
			}
		}
	}
}

// clock prints a time of the axis with the unit its marks need.
func clock(t, step time.Duration) string {
	if step >= time.Second {
		return fmt.Sprintf("%g s", t.Seconds())
	}
	return fmt.Sprintf("%g ms", float64(t.Microseconds())/1000)
}

// delays draws from the least to the largest delay of each part; nothing where nothing arrived.
func (c *chart) delays(s scenario.Series) {
	var d strings.Builder
	for i, p := range s.Points {
		if p.Max == 0 {
			continue
		}
		fmt.Fprintf(&d, "M%.1f %.1fV%.1f", c.x(s.Start+time.Duration(i)*s.Part+s.Part/2), c.y(p.Max), c.y(p.Min)+0.1)
	}
	fmt.Fprintf(&c.w, `<path class="delay %s" d="%s"/>`, class(s), d.String())
}

// losses draws a lane: full where packets sent then never came.
func (c *chart) losses(lane int, s scenario.Series) {
	y := c.plotBottom + laneGap + float64(lane)*(laneHeight+3)
	fmt.Fprintf(&c.w, `<text class="tick" x="%d" y="%.1f" text-anchor="end">lost %s</text><rect class="lane" x="%d" y="%.1f" width="%d" height="%d"/>`,
		padLeft-6, y+laneHeight-1, arrow(s), padLeft, y, chartWidth-padLeft-padRight, laneHeight)
	for i := 0; i < len(s.Points); i++ {
		from, lost := i, 0
		for i < len(s.Points) && s.Points[i].Lost > 0 {
			lost += s.Points[i].Lost
			i++
		}
		if lost == 0 {
			continue
		}
		a, b := c.x(s.Start+time.Duration(from)*s.Part), c.x(s.Start+time.Duration(i)*s.Part)
		fmt.Fprintf(&c.w, `<rect class="loss" x="%.1f" y="%.1f" width="%.1f" height="%d"><title>%s lost</title></rect>`,
			a, y, math.Max(b-a, 1.5), laneHeight, plural(lost, "packet"))
	}
}

func class(s scenario.Series) string {
	if s.Down {
		return "down"
	}
	return "up"
}

func arrow(s scenario.Series) string {
	if s.Down {
		return "↓"
	}
	return "↑"
}
