package sa

import (
	"bytes"
	"fmt"
	"testing"

	"roam6/keying"
)

// Records are found again under their names, in the store of an earlier version too.
func TestRecordNames(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 36)
	for _, dir := range []string{"in", "out"} {
		for _, spi := range []uint32{0, 0x1001, 0xffffffff} {
			id, err := keying.Derive(key, "sa record name", dir, "", 8)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := recordKey(dir, spi, key), fmt.Sprintf("%s/0x%08x/%x", dir, spi, id); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { recordKey("out", 0x1001, key) }); n > 1 {
		t.Errorf("%v allocations; want 1", n)
	}
}
