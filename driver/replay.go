package driver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"roam6/engine"
)

// maxJournalLine bounds a line of a journal: the largest IPv6 packet in base64, with room for everything else.
const maxJournalLine = 4 << 20

// Replayed says how far a replay came.
type Replayed struct {
	Lines   int `json:"lines"`
	Inputs  int `json:"inputs"`
	Effects int `json:"effects"`
	// Torn says that the journal ends within a line, or before the last input's effects, as a kill leaves it.
	Torn bool `json:"torn,omitempty"`
	// End is how the journal ends, one of the End… words; empty if it just stops: the node was killed, or still runs.
	End string `json:"end,omitempty"`
}

// Difference is the first point where a replay and its journal part.
type Difference struct {
	Line   int    // of the effect in the journal, or of the input whose effects differ in number
	Engine string //
	Input  string // the input, pretty printed, and its line
	Want   string // what the journal holds; empty: no further effect
	Got    string // what the engine gave now; empty: no further effect
}

// Error shows both sides.
func (d *Difference) Error() string {
	return fmt.Sprintf("journal line %d, engine %s: the replay differs\ninput, %s\njournal: %s\nreplay:  %s",
		d.Line, d.Engine, d.Input, orNone(d.Want), orNone(d.Got))
}

func orNone(s string) string {
	if s == "" {
		return "no effect"
	}
	return s
}

// Replay feeds the inputs of a journal to engines built as they were built then, and compares every effect. The first
// that differs is returned as a *Difference, a panic as a *Crash; other errors are about the journal itself.
func Replay(r io.Reader, engines []Engine) (Replayed, error) {
	p := player{engines: map[string]engine.Engine{}}
	for _, e := range engines {
		p.engines[e.Name] = e.Engine
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxJournalLine)
	var torn error // a line that does not parse; an error unless it is the last
	for lines.Scan() {
		if torn != nil {
			return p.done, torn
		}
		var err error
		if torn, err = p.line(lines.Bytes()); err != nil {
			return p.done, err
		}
	}
	if err := lines.Err(); err != nil {
		return p.done, fmt.Errorf("journal line %d: %w", p.done.Lines+1, err)
	}
	// A kill cuts the effects of the last input short as well: those not written cannot be compared.
	p.done.Torn = torn != nil || len(p.left) > 0
	return p.done, nil
}

// line takes one line.
func (p *player) line(b []byte) (torn, err error) {
	at := p.done.Lines + 1
	switch {
	case p.done.End != "":
		return nil, fmt.Errorf("journal line %d: it follows the journal's end", at+1)
	case bytes.HasPrefix(b, []byte(endMagic)):
		return p.ends(b)
	case at == 1 && bytes.HasPrefix(b, []byte(JournalMagic)):
		p.done.Lines++ // see ReadJournalHeader
		return nil, nil
	}
	var e engine.Entry
	if err := json.Unmarshal(b, &e); err != nil {
		return fmt.Errorf("journal line %d: %w", at, err), nil
	}
	p.done.Lines++
	return nil, p.take(e)
}

// ends takes the last line of a journal that has an end: all its lines are there and, unless it was full, all effects of its last
// input.
func (p *player) ends(b []byte) (torn, err error) {
	var e journalEnd
	switch at, entries := p.done.Lines+1, p.done.Inputs+p.done.Effects; {
	case json.Unmarshal(b, &e) != nil || e.How == "":
		return fmt.Errorf("journal line %d: no end of a journal", at), nil
	case e.Entries != entries:
		return nil, fmt.Errorf("journal line %d: it tells of %d inputs and effects before it, and there are %d", at, e.Entries, entries)
	}
	if p.done.End = e.How; e.How == EndFull {
		return nil, nil // perhaps within the effects of an input
	}
	return nil, p.end()
}

// player replays one journal.
type player struct {
	engines map[string]engine.Engine
	done    Replayed
	fx      engine.Effects
	left    []engine.Effect // effects of the last input that the journal has not shown yet
	last    engine.Entry    // the last input
	at      int             // its line
}

func (p *player) take(e engine.Entry) error {
	if e.Input != nil {
		return p.input(e)
	}
	if p.last.Input == nil || e.Engine != p.last.Engine || e.Mono != p.last.Mono || e.Wall != p.last.Wall {
		return fmt.Errorf("journal line %d: an effect that follows no input of engine %s at that time", p.done.Lines, e.Engine)
	}
	p.done.Effects++
	if len(p.left) == 0 {
		return p.differs(p.done.Lines, e.Effect, nil)
	}
	got := p.left[0]
	p.left = p.left[1:]
	if !same(e.Effect, got) {
		return p.differs(p.done.Lines, e.Effect, got)
	}
	return nil
}

func (p *player) input(e engine.Entry) error {
	if err := p.end(); err != nil {
		return err
	}
	eng := p.engines[e.Engine]
	if eng == nil {
		return fmt.Errorf("journal line %d: engine %q is not among those given", p.done.Lines, e.Engine)
	}
	p.done.Inputs++
	p.last, p.at = e, p.done.Lines
	p.fx = engine.Effects{}
	if err := p.call(eng, e); err != nil {
		return err
	}
	p.left = p.fx.List
	return nil
}

func (p *player) call(eng engine.Engine, e engine.Entry) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &Crash{Node: "replay", Engine: e.Engine, Line: p.done.Lines, Input: e.Input, Cause: cause}
		}
	}()
	eng.Handle(engine.Now{Mono: e.Mono, Wall: time.Unix(0, e.Wall).UTC()}, e.Input, &p.fx)
	eng.Deadline() // the loop reads it after every input; an engine may rely on it
	return nil
}

// end checks that the journal showed every effect of the last input.
func (p *player) end() error {
	if len(p.left) > 0 {
		return p.differs(p.at, nil, p.left[0])
	}
	return nil
}

func (p *player) differs(line int, want, got engine.Effect) error {
	d := &Difference{Line: line, Engine: p.last.Engine, Input: fmt.Sprintf("line %d: %s", p.at, show(p.last.Input))}
	if want != nil {
		d.Want = show(want)
	}
	if got != nil {
		d.Got = show(got)
	}
	return d
}

// same compares two effects as the journal writes them.
func same(a, b engine.Effect) bool {
	x, errX := json.Marshal(engine.Entry{Effect: a})
	y, errY := json.Marshal(engine.Entry{Effect: b})
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// show names the type of an input or effect and prints its fields.
func show(v any) string {
	name := fmt.Sprintf("%T", v)
	return strings.TrimPrefix(name, "engine.") + " " + pretty(v)
}

func pretty(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(b)
}

// IsDifference reports whether an error of Replay means that engine and journal disagree, rather than that the journal
// could not be read.
func IsDifference(err error) bool {
	var d *Difference
	var c *Crash
	return errors.As(err, &d) || errors.As(err, &c)
}
