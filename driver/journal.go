package driver

import (
	"bufio"
	"encoding/json"
	"io"

	"roam6/engine"
)

// journalBuffer is the number of octets of journal kept in memory between writes.
const journalBuffer = 64 << 10

// journal writes entries as JSON lines. After a failed write it is silent: a full disk must not stop a home agent.
type journal struct {
	w     *bufio.Writer // nil: no journal
	sync  bool
	lines int // lines written so far: the number of the last one
}

func newJournal(w io.Writer, sync bool) *journal {
	if w == nil {
		return &journal{}
	}
	return &journal{w: bufio.NewWriterSize(w, journalBuffer), sync: sync}
}

// write appends one entry. It reports an error once.
func (j *journal) write(e engine.Entry) error {
	if j.w == nil {
		return nil
	}
	b, err := json.Marshal(e)
	if err == nil {
		_, err = j.w.Write(append(b, '\n'))
	}
	if err == nil && j.sync {
		err = j.w.Flush()
	}
	if err != nil {
		j.w = nil
		return err
	}
	j.lines++
	return nil
}

func (j *journal) flush() error {
	if j.w == nil {
		return nil
	}
	err := j.w.Flush()
	if err != nil {
		j.w = nil
	}
	return err
}
