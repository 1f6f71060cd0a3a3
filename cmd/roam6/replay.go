package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"roam6/driver"
)

func replayCmd() *cobra.Command {
	file, seed, asJSON := "", "", false
	c := &cobra.Command{
		Use:   "replay JOURNAL -c FILE",
		Short: "Run a node's journal again and compare every effect",
		Long: `Feeds every input in a node's journal to engines built of the same configuration, and compares what they do with what they did.
The same version with the same configuration gives the same effects, octet for octet; otherwise the first difference is
shown and the exit status is 1. A crash shows again where it happened.

A node keeps a journal when its configuration says "journal: FILE". A journal holds what the node's randomness was made
from: keep it as safe as the node's keys.`,
		Example: lines("roam6 replay /var/lib/roam6/ha/journal -c /etc/roam6/ha.yaml"),
		Args:    exactly(1, "a JOURNAL"),
		RunE:    work(func(_ *cobra.Command, args []string) error { return replay(args[0], file, seed, asJSON) }),
	}
	configFlag(c, &file)
	c.Flags().StringVar(&seed, "seed", "", "64 hexadecimal `digits`, for a journal that does not begin with a header")
	c.Flags().BoolVar(&asJSON, "json", false, "print the counts as JSON")
	return c
}

func replay(path, file, digits string, asJSON bool) error {
	c, text, err := readNode(file)
	if err != nil {
		return err
	}
	j, err := os.Open(path)
	if err != nil {
		return usage(err)
	}
	defer j.Close()
	if digits == "" {
		h, err := driver.ReadJournalHeader(j)
		switch {
		case errors.Is(err, io.EOF) && isJournal(path):
			return cutInHeader(path)
		case err != nil:
			return usagef("%s: %w; give the seed with --seed", path, err)
		}
		if h.Config != digest(text) {
			fmt.Fprintf(os.Stderr, "roam6: %s is not the configuration that %s was written with; differences may come from it\n", file, path)
		}
		if h.Build != built() {
			fmt.Fprintf(os.Stderr, "roam6: the journal is of version %s, this is %s; differences may come from it\n", h.Build, built())
		}
		digits = h.Seed
	}
	var seed [32]byte
	if b, err := hex.DecodeString(digits); err != nil || copy(seed[:], b) != len(seed) || len(b) != len(seed) {
		return usagef("seed %q: 64 hexadecimal digits are allowed", digits)
	}
	engines, err := enginesOf(c, seed)
	if err != nil {
		return usage(err)
	}
	done, err := driver.Replay(j, engines)
	switch {
	case driver.IsDifference(err):
		return &failure{exitFailed, fmt.Errorf("%s: %w", path, err)}
	case err != nil:
		return usagef("%s: %w", path, err)
	case asJSON:
		return printJSON(done)
	}
	fmt.Printf("%s gave the same %s again\n", plural(done.Inputs, "input"), plural(done.Effects, "effect"))
	if says := endText(done); says != "" {
		fmt.Println(says)
	}
	return nil
}

// endText says what is not in a journal, empty if nothing is.
func endText(done driver.Replayed) string {
	switch {
	case done.End == driver.EndFull:
		return "the journal was full; what the node did after that is not in it"
	case done.End == driver.EndFailed:
		return "the node gave up after that; its log says why"
	case done.Torn:
		return tornText
	case done.End == "":
		return cutText
	}
	return ""
}

// tornText is said of a journal that does not end with the end of an input's effects.
const tornText = "the journal ends in the middle of a line or of an input's effects, as a kill or a full disk leaves it; " +
	"what the node did after that is not in it"

// cutText is said of a journal that just stops.
const cutText = "the journal has no end: the node was killed, its disk was full, or it still runs; " +
	"what it did last, a second of it and more if it was busy, may not be in it"

// cutInHeader is the error of a journal that ends before the end of its first line. Journals of earlier lives lie beside it.
func cutInHeader(path string) error {
	const why = "%s ends within its first line, as a full disk or a kill leaves it: it holds no input to replay"
	if _, err := os.Stat(path + ".1"); err == nil {
		return usagef(why+"; the life before this one is in %s.1", path, path)
	}
	return usagef(why, path)
}
