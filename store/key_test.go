package store

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Several who make a key file at a time all have the one that is there in the end, and nothing else stays.
func TestMakeKeyAtOnce(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.key")
		var made [8][]byte
		var all sync.WaitGroup
		for i := range made {
			all.Go(func() {
				var err error
				if made[i], err = MakeKey(path); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		there, err := LoadKey(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range made {
			if !bytes.Equal(m, there) {
				t.Fatal("somebody has another key than the file")
			}
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
	}
}
