package scenario

import (
	"fmt"
	"math"
	"time"
)

// Limits of a walk.
const (
	MaxWalk  = 10_000                 // moves: a probe of a thousand packets a second is followed for an hour
	minEvery = 100 * time.Millisecond // between two moves: faster ones are written down one by one
)

// Walk is many moves in a row, through cells in turn.
type Walk struct {
	Moves   int           `yaml:"moves" doc:"how many; 0 (default): no walk"`
	Through []string      `yaml:"through" doc:"cells in turn, again from the first after the last"`
	First   time.Duration `yaml:"first" doc:"when the first move is (default 7s)"`
	Every   time.Duration `yaml:"every" doc:"from one move to the next (default 2s)"`
	Spread  time.Duration `yaml:"spread" doc:"each move is later by 0 to this, spread evenly over the walk, so that nothing falls into step with it (default 0s)"`
	Notice  time.Duration `yaml:"notice" doc:"as that of moves"`
}

// golden is the part of a spread from one move to the next: the fraction whose multiples lie apart most evenly.
const golden = 0.6180339887498949

// at is when move i is.
func (w *Walk) at(i int) time.Duration {
	_, part := math.Modf(golden * float64(i))
	return w.First + time.Duration(i)*w.Every + time.Duration(part*float64(w.Spread)).Round(time.Microsecond)
}

// end is when the run can end: the last move has come to rest.
func (w *Walk) end() time.Duration {
	if w.Moves <= 0 {
		return 0
	}
	return w.First + time.Duration(w.Moves)*w.Every + w.Spread + settle
}

func (c *checker) walk() {
	w := &c.s.Walk
	c.want(w.Moves >= 0 && w.Moves <= MaxWalk, "walk.moves", w.Moves, fmt.Sprintf("0 to %d", MaxWalk))
	if w.Moves <= 0 || w.Moves > MaxWalk {
		return
	}
	c.want(len(c.s.Moves) == 0, "walk", "walk", "a walk or moves, not both")
	c.want(len(w.Through) > 0, "walk.through", w.Through, "cells")
	from := c.s.Mobile.Start
	for i, cell := range w.Through {
		at := fmt.Sprintf("walk.through[%d]", i)
		c.cell(at, cell)
		c.want(cell != from, at, cell, "another cell than the one before (that before the first is mn.start)")
		from = cell
	}
	if n := len(w.Through); n > 0 && w.Moves > n {
		c.want(w.Through[0] != from, "walk.through", w.Through, "another cell first than last: the walk begins anew")
	}
	c.want(w.Every >= minEvery, "walk.every", w.Every, "at least 100ms")
	c.want(w.Spread >= 0 && w.Spread < w.Every, "walk.spread", w.Spread, "from 0s to less than walk.every")
	c.want(w.First >= 0 && w.First <= MaxLength && w.end() <= MaxLength, "walk.first", w.First, "not negative, and all of the walk within 24h")
	c.want(w.Notice >= 0 && w.Notice <= w.First && w.Notice <= w.Every-w.Spread, "walk.notice", w.Notice, "from 0s to walk.first and to walk.every less walk.spread")
}

// walk writes the moves of a walk down, and what follows from it.
func (s *Scenario) walk() {
	if s.Walk.Moves == 0 {
		return
	}
	for i := range s.Walk.Moves {
		s.Moves = append(s.Moves, Move{At: s.Walk.at(i), To: s.Walk.Through[i%len(s.Walk.Through)], Notice: s.Walk.Notice})
	}
	s.Length = max(s.Length, s.Walk.end())
	if s.Expect.Handovers == nil {
		s.Expect.Handovers = &s.Walk.Moves
	}
}
