package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// When a journal is longer than CompactMin octets and CompactFactor times what its records need, it is written anew.
const (
	CompactMin    = 1 << 20
	CompactFactor = 4
)

// File is a Store on disk. See the package comment for what it promises.
type File struct {
	path   string
	master []byte
	lock   *os.File
	cut    int

	mu      sync.Mutex // guards next, records and err
	next    *batch     // the Puts that wait for a write
	records table
	err     error // why nothing can be written any more

	writing sync.Mutex // held by the one that writes; taken before mu
	journal *os.File
	seal    *sealer
	frames  uint64 // frames in the journal
	size    int64  // octets in the journal
}

// batch is the Puts of one frame.
type batch struct {
	ops  []byte
	done bool
	err  error
}

// Open opens the store whose journal is the file path, and makes it if there is none. Beside it stand path.key (the key)
// and path.lock; all have mode 0600. Only one process can have a store open; the lock of a killed process is no obstacle.
func Open(path string) (*File, error) {
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, lock: lock, next: new(batch), records: table{m: make(map[name][]byte)}}
	if err := f.open(); err != nil {
		f.release()
		return nil, err
	}
	return f, nil
}

// Cut is the number of octets that Open cut off the journal because a Put had not come to its end before a crash.
func (f *File) Cut() int { return f.cut }

func (f *File) open() error {
	if err := f.find(); err != nil {
		return err
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if f.master, err = loadKey(f.path+keySuffix, f.path, len(b) == headerLen); err != nil {
		return err
	}
	if err := f.replay(b); err != nil {
		return err
	}
	if f.journal, err = os.OpenFile(f.path, os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if f.cut > 0 {
		if err := errors.Join(f.journal.Truncate(f.size), f.journal.Sync()); err != nil {
			return fmt.Errorf("store: cutting the torn end off %s: %w", f.path, err)
		}
	}
	return nil
}

// find makes sure that there is a journal. The first start makes the journal, which is empty, before the key: a key without a
// journal is then never a start that was cut short, but a journal that somebody took away.
func (f *File) find() error {
	info, err := os.Stat(f.path)
	switch {
	case err == nil && !info.Mode().IsRegular(): // a device may have no end
		return fmt.Errorf("store: %s is no regular file; move it away, or choose another state directory", f.path)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("store: %w", err)
	}
	if _, err := os.Lstat(f.path + keySuffix); err == nil {
		return fmt.Errorf("store: %s is missing, though its key %s is there. It knew what had been sent; without it numbers would "+
			"repeat under the same security keys. Put it back if it was only moved. Otherwise give mobile nodes and home agents "+
			"new keys, then move %s away to start empty", f.path, f.path+keySuffix, f.path+keySuffix)
	}
	journal, err := replace(f.path, newHeader())
	if err != nil {
		return fmt.Errorf("store: making %s: %w", f.path, err)
	}
	return journal.Close()
}

// replay reads a journal and finds its torn end, if there is one.
func (f *File) replay(b []byte) error {
	if len(b) < headerLen || string(b[:len(magic)]) != magic {
		return f.damage(0, errors.New("it does not begin like a journal of roam6"))
	}
	var err error
	if f.seal, err = newSealer(f.master, b[:headerLen]); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	at := headerLen
	for at < len(b) {
		clear, size, err := f.seal.open(f.frames, b[at:])
		if errors.Is(err, errTorn) {
			if damaged(b[at:]) {
				return f.damage(at, errors.New("whole frames follow a broken one"))
			}
			break
		}
		if err == nil {
			err = f.records.apply(clear)
		}
		if err != nil {
			return f.damage(at, err)
		}
		at += size
		f.frames++
	}
	f.size, f.cut = int64(at), len(b)-at
	return nil
}

func (f *File) damage(at int, why error) error {
	return fmt.Errorf("store: %s is damaged at octet %d: %w. Give mobile nodes and home agents new keys, then move %s and %s away "+
		"to start empty: what they had sent is forgotten, and a backup does not know it either",
		f.path, at, why, f.path, f.path+keySuffix)
}

// Load gives all records.
func (f *File) Load() ([]Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(f.err, ErrClosed) {
		return nil, ErrClosed
	}
	return sorted(f.records.m), nil
}

// Put writes a record and waits until it is on the disk. Puts from several goroutines share one write. After a failed
// write every further Put fails, because nobody knows what the disk holds; a restart finds out.
func (f *File) Put(bucket, key string, value []byte) error {
	if err := check(bucket, key, value); err != nil {
		return err
	}
	for {
		b, room := f.enqueue(bucket, key, value)
		err := f.write(b)
		if room || err != nil {
			return err
		}
	}
}

// PutAll writes many records with one write, if they fit in one.
func (f *File) PutAll(records []Record) error {
	for _, r := range records {
		if err := check(r.Bucket, r.Key, r.Value); err != nil {
			return err
		}
	}
	var last *batch
	for _, r := range records {
		b, room := f.enqueue(r.Bucket, r.Key, r.Value)
		for ; !room; b, room = f.enqueue(r.Bucket, r.Key, r.Value) {
			if err := f.write(b); err != nil {
				return err
			}
		}
		last = b
	}
	if last == nil {
		return nil
	}
	return f.write(last)
}

// enqueue adds an operation to the waiting batch; without room it only gives the batch to be written first.
func (f *File) enqueue(bucket, key string, value []byte) (b *batch, room bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.next.ops) > maxBatch {
		return f.next, false
	}
	f.next.ops = appendOp(f.next.ops, bucket, key, value)
	return f.next, true
}

// write makes a batch durable, unless another goroutine has done so meanwhile.
func (f *File) write(b *batch) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.mu.Lock()
	if b.done {
		f.mu.Unlock()
		return b.err
	}
	f.next = new(batch)
	err := f.err
	f.mu.Unlock()

	if err == nil {
		err = f.append(b.ops)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b.done, b.err = true, err
	if err != nil {
		f.err = err
		return err
	}
	if err := f.records.apply(b.ops); err != nil {
		panic("store: " + err.Error()) // appendOp wrote them
	}
	if f.size > CompactMin && f.size > CompactFactor*int64(f.records.octets) {
		f.err = f.rewrite() // b is durable; only later Puts fail
	}
	return nil
}

// append writes one frame and syncs it.
func (f *File) append(ops []byte) error {
	frame := f.seal.frame(f.frames, ops)
	if _, err := f.journal.WriteAt(frame, f.size); err != nil {
		return fmt.Errorf("store: writing %s: %w", f.path, err)
	}
	if err := f.journal.Sync(); err != nil {
		return fmt.Errorf("store: writing %s: %w", f.path, err)
	}
	f.frames++
	f.size += int64(len(frame))
	return nil
}

// rewrite replaces the journal by a new one that holds the records and nothing else. A crash leaves the old one or the
// new one, never part of either.
func (f *File) rewrite() error {
	header := newHeader()
	seal, err := newSealer(f.master, header)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	image, frames := header, uint64(0)
	var ops []byte
	flush := func() {
		if len(ops) > 0 {
			image = append(image, seal.frame(frames, ops)...)
			ops = ops[:0]
			frames++
		}
	}
	for _, r := range sorted(f.records.m) {
		if ops = appendOp(ops, r.Bucket, r.Key, r.Value); len(ops) > maxBatch {
			flush()
		}
	}
	flush()
	journal, err := replace(f.path, image)
	if err != nil {
		return fmt.Errorf("store: writing %s anew: %w", f.path, err)
	}
	if f.journal != nil {
		f.journal.Close()
	}
	f.journal, f.seal, f.frames, f.size = journal, seal, frames, int64(len(image))
	return nil
}

// Close waits for a running write and releases the store.
func (f *File) Close() error {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(f.err, ErrClosed) {
		return nil
	}
	f.err = ErrClosed
	return f.release()
}

func (f *File) release() error {
	var err error
	if f.journal != nil {
		err = f.journal.Close()
	}
	return errors.Join(err, f.lock.Close())
}

// replace writes a file beside path, syncs it, and renames it to path.
func replace(path string, data []byte) (*os.File, error) {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// syncDir makes a rename in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
