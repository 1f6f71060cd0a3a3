package sim

import (
	"time"

	"roam6/engine"
)

// DefaultQueryDelay is how long a table takes to answer where Config.QueryDelay is 0.
const DefaultQueryDelay = time.Millisecond

// answer is a Result that is under way.
type answer struct {
	r     *runner
	asked *int // of those under way, one more
	engine.Result
}

// query asks a table. It is asked now and answers later, so that answers come in the order of the questions and a read sees the
// writes before it. One that takes too long has been asked all the same.
func (r *runner) query(q engine.Query) {
	w := r.node.w
	if w.config.Tables == nil {
		r.tell(engine.Result{ID: q.ID, Err: engine.ErrNoQueries})
		return
	}
	k := r.node.useSockets()
	asked, most := &k.asked, MaxQueries
	if q.Put != nil {
		asked, most = &k.put, MaxPuts
	}
	if *asked >= most {
		r.tell(engine.Result{ID: q.ID, Err: engine.ErrBusy})
		return
	}
	*asked++
	a := answer{r: r, asked: asked, Result: w.config.Tables(r.node.plan.Name, q)}
	a.ID = q.ID
	delay := w.config.QueryDelay
	if delay == 0 {
		delay = DefaultQueryDelay
	}
	if delay > QueryTimeout {
		delay, a.Value, a.Err = QueryTimeout, nil, engine.ErrTimeout
	}
	w.answers = append(w.answers, a)
	w.heap.push(event{at: w.now + delay, kind: evResult})
}

// result gives an engine the oldest answer: all take the same time.
func (w *world) result() {
	a := w.answers[w.answered]
	w.answers[w.answered] = answer{}
	if w.answered++; w.answered == len(w.answers) {
		w.answers, w.answered = w.answers[:0], 0
	}
	*a.asked--
	a.r.tell(a.Result)
}
