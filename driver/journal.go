package driver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"roam6/engine"
)

// journalBuffer is the number of octets of journal kept in memory between writes.
const journalBuffer = 64 << 10

// maxJournal is the number of octets at which a journal ends. Whoever can send packets to a node makes its journal grow, and
// the state of a node is often on the same disk.
const maxJournal = 1 << 30

// journal writes entries as JSON lines. After a failed write it is silent: a full disk must not stop a home agent.
type journal struct {
	w     *bufio.Writer // nil: no journal
	sync  bool
	room  int // octets it may still grow
	lines int // lines written so far: the number of the last one

	entries int // of lines: all but the header
}

func newJournal(w io.Writer, sync bool, h *JournalHeader) *journal {
	if w == nil {
		return &journal{}
	}
	j := &journal{w: bufio.NewWriterSize(w, journalBuffer), sync: sync, room: maxJournal}
	if h != nil {
		h.Version = journalVersion
		if b, err := json.Marshal(h); err == nil { // a failed write shows again with the first entry
			_, _ = j.w.Write(append(b, '\n'))
			j.lines++
			_ = j.w.Flush() // a node killed within its first second leaves a journal that can be replayed, if with little in it
		}
	}
	return j
}

// journalVersion is the version of the journal's form.
const journalVersion = 1

// JournalMagic begins every journal that has a header.
const JournalMagic = `{"roam6_journal":`

// JournalHeader is the first line of a journal, when there is one: what a replay must build to give the same effects.
// The seed tells what the engines' randomness was; keep journals as safe as keys.
type JournalHeader struct {
	Version int    `json:"roam6_journal"`
	Node    string `json:"node"`
	Build   string `json:"build"`         // version of the program
	Config  string `json:"config_sha256"` // of the configuration file, hexadecimal
	Seed    string `json:"seed"`          // the engines', hexadecimal
}

// ReadJournalHeader reads the header of a journal and goes back to its start, so that Replay can follow.
func ReadJournalHeader(r io.ReadSeeker) (JournalHeader, error) {
	var h JournalHeader
	line, err := bufio.NewReader(io.LimitReader(r, maxJournalLine)).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &h)
	}
	switch {
	case err != nil:
		return h, fmt.Errorf("journal line 1: no header: %w", err)
	case h.Version != journalVersion:
		return h, fmt.Errorf("journal line 1: no header of version %d", journalVersion)
	}
	_, err = r.Seek(0, io.SeekStart)
	return h, err
}

// How a journal ends. One that ends otherwise is of a node that was killed, whose disk was full, or that still runs: what it did
// last may not be in it, and nothing else tells, since a kill may cut a journal behind a whole line.
const (
	EndStopped = "stopped" // the node was told to
	EndFailed  = "failed"  // the node gave up
	EndFull    = "full"    // the node went on without: its journal was as long as it may be
)

// endMagic begins the last line of a journal that has an end.
const endMagic = `{"roam6_journal_end":`

// journalEnd is that line.
type journalEnd struct {
	How     string `json:"roam6_journal_end"`
	Entries int    `json:"entries"` // before this line
}

// end writes the last line, and no more after it.
func (j *journal) end(how string) error {
	if j.w == nil {
		return nil
	}
	b, err := json.Marshal(journalEnd{how, j.entries})
	if err == nil {
		_, err = j.w.Write(append(b, '\n'))
	}
	err = errors.Join(err, j.w.Flush())
	j.w = nil
	return err
}

// write appends one entry. It reports an error once.
func (j *journal) write(e engine.Entry) error {
	if j.w == nil {
		return nil
	}
	b, err := json.Marshal(e)
	if j.room -= len(b) + 1; err == nil && j.room < 0 {
		return errors.Join(fmt.Errorf("the journal ends here: it may have %d octets", maxJournal), j.end(EndFull))
	}
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
	j.entries++
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
