package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// copyTo makes a store of another directory: the key of path, and journal as its journal.
func copyTo(t testing.TB, dir, path string, journal []byte) string {
	t.Helper()
	key, err := os.ReadFile(path + ".key")
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "state")
	for name, b := range map[string][]byte{to: journal, to + ".key": key} { //order:any
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A crash may leave any part of the last Put on the disk. What was Put before is there, and the store goes on.
func TestCutAtEveryOctet(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	sizes, states := []int{len(read(t, path))}, []string{""}
	for i := range 4 {
		put(t, f, "b", fmt.Sprint(i), strings.Repeat("v", i*3))
		sizes, states = append(sizes, len(read(t, path))), append(states, load(t, f))
	}
	whole := read(t, path)
	dir := t.TempDir()
	for n := sizes[0]; n <= len(whole); n++ {
		cut := copyTo(t, dir, path, whole[:n])
		g, err := Open(cut)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		i := 0
		for i+1 < len(sizes) && sizes[i+1] <= n {
			i++
		}
		if got := load(t, g); got != states[i] || g.Cut() != n-sizes[i] {
			t.Errorf("cut at %d: %q, %d octets off; want %q, %d", n, got, g.Cut(), states[i], n-sizes[i])
		}
		put(t, g, "b", "next", "life")
		g.Close()
		g = open(t, cut)
		if got := load(t, g); got != states[i]+"b/next=life " || g.Cut() != 0 {
			t.Errorf("cut at %d, after the next Put: %q", n, got)
		}
		g.Close()
	}
}

// After a power failure the end of a file may have its length but not its octets.
func TestTornEndOfZerosOrGarbage(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	put(t, f, "b", "k", "v")
	good := read(t, path)
	put(t, f, "b", "k", "lost")
	last := read(t, path)[len(good):]
	garbage := bytes.Clone(last)
	for i := len(garbage) / 2; i < len(garbage); i++ {
		garbage[i] ^= 0xa5
	}
	dir := t.TempDir()
	for _, tail := range [][]byte{make([]byte, 10), make([]byte, len(last)), make([]byte, 4096), garbage} {
		g, err := Open(copyTo(t, dir, path, append(bytes.Clone(good), tail...)))
		if err != nil {
			t.Errorf("tail of %d octets: %v", len(tail), err)
			continue
		}
		if got := load(t, g); got != "b/k=v " {
			t.Errorf("tail of %d octets: %q", len(tail), got)
		}
		g.Close()
	}
}

// What was durable and is not readable any more must not be passed over in silence.
func TestEveryAlteredOctetIsNoticed(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	put(t, f, "b", "k", "1")
	put(t, f, "b", "k", "2")
	end := len(read(t, path))
	put(t, f, "b", "k", "3")
	whole := read(t, path)
	dir := t.TempDir()
	for i := range end {
		bad := bytes.Clone(whole)
		bad[i] ^= 1
		g, err := Open(copyTo(t, dir, path, bad))
		if err == nil {
			t.Errorf("octet %d altered: opened with %q", i, load(t, g))
			g.Close()
		} else if !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "backup") {
			t.Errorf("octet %d altered: %v", i, err)
		}
	}
}

// Frames carry their place: none can be left out, moved or repeated, and none comes from an older journal.
func TestFramesCannotBeMoved(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	header := read(t, path)
	var frames [][]byte
	at := len(header)
	for i := range 3 {
		put(t, f, "b", "k", fmt.Sprint(i))
		b := read(t, path)
		frames, at = append(frames, b[at:]), len(b)
	}
	other := newHeader()
	for name, b := range map[string][]byte{ //order:any
		"left out": bytes.Join([][]byte{header, frames[0], frames[2]}, nil),
		"repeated": bytes.Join([][]byte{header, frames[0], frames[0], frames[1]}, nil),
		"swapped":  bytes.Join([][]byte{header, frames[1], frames[0], frames[2]}, nil),
		"other":    bytes.Join([][]byte{other, frames[0]}, nil),
	} {
		if _, err := Open(copyTo(t, t.TempDir(), path, b)); !errors.Is(err, errSeal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingReadableAtRest(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	put(t, f, "secret-bucket", "secret-key", "secret-value")
	if b := read(t, path); bytes.Contains(b, []byte("secret")) {
		t.Errorf("%q", b)
	}
	for _, name := range []string{path, path + ".key", path + ".lock"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestKeyFile(t *testing.T) {
	path := t.TempDir() + "/state"
	first := open(t, path)
	put(t, first, "b", "k", "v")
	first.Close()
	key := read(t, path+".key")
	other := bytes.Repeat([]byte("ab"), masterLen)
	for _, c := range []struct {
		name   string
		change func() error
		want   string
	}{
		{"readable by others", func() error { return os.Chmod(path+".key", 0o640) }, "chmod 600"},
		{"missing", func() error { return os.Remove(path + ".key") }, "missing"},
		{"short", func() error { return os.WriteFile(path+".key", key[:9], 0o600) }, "backup"},
		{"no hexadecimal", func() error { return os.WriteFile(path+".key", bytes.Repeat([]byte("zz"), 32), 0o600) }, "hexadecimal"},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		os.Remove(path + ".key")
		if err := os.WriteFile(path+".key", key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := open(t, path)
	put(t, f, "b", "k", "v")
	f.Close()
	if err := os.WriteFile(path+".key", other, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, errSeal) {
		t.Errorf("another's key: %v", err)
	}
}

// A first start may be cut short anywhere: each step leaves the files of those before it, and perhaps the beginning of its own.
// The next start makes the rest. Once there is a key there is a journal.
func TestCrashWhileMade(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	f.Close()
	journal, key := read(t, path), read(t, path+".key")
	if len(journal) != headerLen {
		t.Errorf("an empty journal has %d octets", len(journal))
	}
	for i, files := range []map[string][]byte{
		{},
		{".lock": nil},
		{".lock": nil, ".new": nil},
		{".lock": nil, ".new": journal[:9]},
		{".lock": nil, ".new": journal},
		{".lock": nil, "": journal},
		{".lock": nil, "": journal, ".key.new": nil},
		{".lock": nil, "": journal, ".key.new": key[:9]},
		{".lock": nil, "": journal, ".key.new": key},
		{".lock": nil, "": journal, ".key": key},
	} {
		path := t.TempDir() + "/state"
		for name, b := range files { //order:any
			if err := os.WriteFile(path+name, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f, err := Open(path)
		if err != nil {
			t.Errorf("crash %d: %v", i, err)
			continue
		}
		put(t, f, "b", "k", "v")
		f.Close()
		if got := load(t, open(t, path)); got != "b/k=v " {
			t.Errorf("crash %d: %q", i, got)
		}
		if _, ok := files[".key"]; ok && !bytes.Equal(read(t, path+".key"), key) {
			t.Errorf("crash %d: a new key was made", i)
		}
	}
}

// Who takes the journal away, or the key, does not get an empty store: sequence numbers would begin anew under the same keys.
// Nothing is made meanwhile.
func TestHalfAStoreIsRefused(t *testing.T) {
	for _, name := range []string{"", ".key"} {
		path := t.TempDir() + "/state"
		f := open(t, path)
		put(t, f, "b", "k", "v")
		f.Close()
		if err := os.Rename(path+name, path+".moved"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			f, err := Open(path)
			if err == nil {
				f.Close()
				t.Fatalf("without state%s: opened empty", name)
			}
			if !strings.Contains(err.Error(), "new keys") || !strings.Contains(err.Error(), path+name+" is missing") {
				t.Errorf("without state%s: %v", name, err)
			}
		}
		if err := os.Rename(path+".moved", path+name); err != nil {
			t.Fatal(err)
		}
		if got := load(t, open(t, path)); got != "b/k=v " {
			t.Errorf("put back: %q", got)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	_, err := Open(path)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("%v", err)
	}
	f.Close()
	open(t, path)
}

func TestNoDirectory(t *testing.T) {
	if _, err := Open(t.TempDir() + "/none/state"); err == nil || !strings.Contains(err.Error(), "make it") {
		t.Errorf("%v", err)
	}
}

// A killed process leaves its lock file, but not its lock, and whatever it had Put.
func TestKilledProcess(t *testing.T) {
	if path := os.Getenv("ROAM6_STORE_VICTIM"); path != "" {
		f, err := Open(path)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		for i := 0; ; i++ {
			if err := f.Put("b", "count", fmt.Append(nil, i)); err != nil {
				os.Exit(1)
			}
			fmt.Println(i)
		}
	}
	path := t.TempDir() + "/state"
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledProcess$")
	cmd.Env = append(os.Environ(), "ROAM6_STORE_VICTIM="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var last int
	for last < 20 {
		if _, err := fmt.Fscan(out, &last); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), fmt.Sprint("process ", cmd.Process.Pid)) {
		t.Errorf("while it runs: %v", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	recs, err := open(t, path).Load()
	if err != nil || len(recs) != 1 {
		t.Fatalf("%v, %v", recs, err)
	}
	var got int
	if fmt.Sscan(string(recs[0].Value), &got); got < last {
		t.Errorf("the process said that %d is durable, found %d", last, got)
	}
}

func TestCompaction(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	big := strings.Repeat("v", 100_000)
	put(t, f, "b", "kept", "first")
	for i := range 40 {
		put(t, f, "b", "big", fmt.Sprint(i, big))
	}
	if n := len(read(t, path)); n > CompactMin+200_000 {
		t.Errorf("4 MB of Puts to one record leave %d octets", n)
	}
	want := load(t, f)
	put(t, f, "b", "last", "one")
	f.Close()
	if got := load(t, open(t, path)); got != want+"b/last=one " {
		t.Errorf("%d octets of records, want %d", len(got), len(want)+11)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestConcurrentPuts(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 50 {
				if err := f.Put(fmt.Sprint(g), "n", fmt.Append(nil, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	frames := f.frames
	f.Close()
	recs, err := open(t, path).Load()
	if err != nil || len(recs) != 16 {
		t.Fatalf("%v, %v", recs, err)
	}
	for _, r := range recs {
		if string(r.Value) != "49" {
			t.Errorf("%s ends at %s", r.Bucket, r.Value)
		}
	}
	if frames >= 16*50 {
		t.Errorf("%d frames for %d Puts: no write was shared", frames, 16*50)
	}
}

// A failed write must not be followed by another: what it left on the disk is not known.
func TestFailedWriteEndsTheStore(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	put(t, f, "b", "k", "1")
	f.journal.Close()
	if err := f.Put("b", "k", []byte("2")); err == nil {
		t.Fatal("a write to a closed file succeeded")
	}
	if err := f.Put("b", "k", []byte("3")); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the Put after: %v", err)
	}
	if got := load(t, f); got != "b/k=1 " {
		t.Errorf("%q", got)
	}
	f.Close()
	if got := load(t, open(t, path)); got != "b/k=1 " {
		t.Errorf("reopened: %q", got)
	}
}

func FuzzReplay(f *testing.F) {
	master := make([]byte, masterLen)
	header := append([]byte(magic), make([]byte, generationLen)...)
	s, err := newSealer(master, header)
	if err != nil {
		f.Fatal(err)
	}
	one := s.frame(0, appendOp(nil, "b", "k", []byte("v")))
	f.Add(bytes.Join([][]byte{header, one, s.frame(1, appendOp(nil, "b", "k", nil))}, nil))
	f.Add(append(bytes.Clone(header), one[:20]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		st := &File{master: master, records: table{m: map[name][]byte{}}}
		if err := st.replay(b); err == nil && int(st.size)+st.cut != len(b) {
			t.Errorf("%d octets read and %d cut of %d", st.size, st.cut, len(b))
		}
	})
}

// What a frame holds once its seal is open.
func FuzzApply(f *testing.F) {
	f.Add(appendOp(appendOp(nil, "b", "k", []byte("v")), "b", "k", nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		tab := table{m: map[name][]byte{}}
		if tab.apply(b) != nil {
			return
		}
		n := 0
		for k, v := range tab.m { //order:any
			n += opHead + len(k.bucket) + len(k.key) + len(v)
		}
		if n != tab.octets {
			t.Errorf("counted %d octets, there are %d", tab.octets, n)
		}
	})
}

func BenchmarkPut(b *testing.B) {
	b.Run("file", func(b *testing.B) {
		f := open(b, b.TempDir()+"/state")
		for b.Loop() {
			if err := f.Put("mn/sa", "out/0x00001001", []byte("12345678ha1")); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("file-parallel", func(b *testing.B) {
		f := open(b, b.TempDir()+"/state")
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := f.Put("mn/sa", "out/0x00001001", []byte("12345678ha1")); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("memory", func(b *testing.B) {
		m := new(Memory)
		for b.Loop() {
			m.Put("mn/sa", "out/0x00001001", []byte("12345678ha1"))
		}
	})
}

// What has no end is not read.
func TestOpenRefusesADevice(t *testing.T) {
	path := t.TempDir() + "/state"
	f := open(t, path)
	if err := errors.Join(f.Close(), os.Remove(path), os.Symlink("/dev/zero", path)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("got %v", err)
	}
}
