package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Limits of a hex text.
const (
	maxHexLine   = 1 << 20 // characters in a line
	maxHexPacket = 1 << 17 // octets in a packet; the largest IPv6 packet without jumbograms has 65,575
)

// hexText takes a text with hex apart into packets.
type hexText struct {
	file   string
	yield  func(input) error
	number int    // packets given so far
	line   int    // of the text, from 1
	begun  int    // line where the packet under way begins
	dump   bool   // the packet under way has offsets
	last   []byte // octets of the last line of a dump
	repeat bool   // a "*" stood in the dump: the last line repeats up to the next offset
	data   []byte
}

// readHex reads a text with hex. Its errors name the line.
func readHex(file string, r io.Reader, yield func(input) error) error {
	h := &hexText{file: file, yield: yield}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 4096), maxHexLine)
	for sc.Scan() {
		h.line++
		if err := h.take(sc.Text()); err != nil {
			return err
		}
	}
	if err := sc.Err(); errors.Is(err, bufio.ErrTooLong) {
		h.line++
		return h.bad("longer than %d characters; is this a capture or a text?", maxHexLine)
	} else if err != nil {
		return usagef("%s: %w", file, err)
	}
	if err := h.flush(); err != nil {
		return err
	}
	if h.number == 0 {
		return usagef("%s: no packets: a pcap, a pcapng or hex digits are wanted", file)
	}
	return nil
}

func (h *hexText) bad(format string, args ...any) error {
	return usagef("%s: line %d: %s", h.file, h.line, fmt.Sprintf(format, args...))
}

// take reads a line.
func (h *hexText) take(line string) error {
	if i := strings.IndexByte(line, '#'); i >= 0 && !dumpLine.MatchString(line) {
		line = line[:i] // in a dump "#" may stand in the column of characters
	}
	if strings.TrimSpace(line) == "" || tcpdumpTitle.MatchString(line) {
		return h.flush()
	}
	if h.dump && strings.TrimSpace(line) == "*" { // hexdump -C and od print equal lines once
		h.repeat = true
		return nil
	}
	if m := dumpLine.FindStringSubmatch(line); m != nil {
		offset, known, err := h.offset(m[1], m[2] == ":", m[3])
		if err != nil {
			return err
		}
		if known {
			return h.dumped(offset, m[3])
		}
	}
	if h.dump {
		return h.bad("no offset, though the lines before it have one; a blank line ends a packet")
	}
	b, err := plainHex(line)
	if err != nil {
		return h.bad("%v", err)
	}
	return h.add(b)
}

// dumpLine is a line that may begin with an offset: "00000010: …", "0x0010:  …", "0010  …", "000010 …".
var dumpLine = regexp.MustCompile(`^\s*(?:0x)?([0-9a-fA-F]{3,8})(:?)(?:\s+(.*))?$`)

// tcpdumpTitle is what tcpdump -x prints before the octets: the time of day, "IP6" and so on.
var tcpdumpTitle = regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d+ `)

// offset tells an offset from the first digits of plain hex: it has a colon, or it is the count of octets so far with
// single octets behind it.
func (h *hexText) offset(digits string, colon bool, rest string) (at int, known bool, err error) {
	n, _ := strconv.ParseUint(digits, 16, 32) // at most 8 digits
	at = int(n)
	if colon {
		return at, true, h.unfold(at)
	}
	if octal, err := strconv.ParseUint(digits, 8, 32); len(digits) == 7 && err == nil {
		at = int(octal) // od counts in octal unless told otherwise
	}
	first, _, _ := strings.Cut(rest, " ")
	if err := h.unfold(at); err != nil {
		return 0, false, err
	}
	switch {
	case at != 0 && at != len(h.data):
		return int(n), h.dump && len(first) == 2, nil // in a dump an offset that does not fit is said to be so
	case len(first) == 2, first == "" && h.dump:
		return at, true, nil
	case len(first) == 4 && (len(digits) == 6 || len(digits) == 7):
		return 0, false, h.bad("16-bit words, whose octet order is unknown (hexdump, od -x): use xxd, hexdump -C or od -tx1")
	}
	return 0, false, nil // "6000 0000 …": hex in groups
}

// unfold repeats the last line up to an offset if a "*" stood before it.
func (h *hexText) unfold(at int) error {
	if !h.repeat || len(h.last) == 0 {
		return nil
	}
	h.repeat = false
	for len(h.data) < at {
		if err := h.add(h.last); err != nil {
			return err
		}
	}
	return nil
}

// dumped takes the octets behind an offset and leaves the column of characters out.
func (h *hexText) dumped(at int, rest string) error {
	if at == 0 && len(h.data) > 0 {
		if err := h.flush(); err != nil {
			return err
		}
	}
	if at != len(h.data) {
		return h.bad("offset 0x%x behind 0x%x octets: a line is missing or changed", at, len(h.data))
	}
	b, err := plainHex(octetColumn(rest))
	if err != nil {
		return h.bad("%v", err)
	}
	if err := h.add(b); err != nil {
		return err
	}
	h.dump, h.last = true, b
	return nil
}

// octetColumn cuts the characters off a line of a dump: they stand behind "|" (hexdump -C) or two blanks; but two
// blanks may also part 8 octets from the next.
func octetColumn(s string) string {
	s, _, _ = strings.Cut(s, "|")
	s = strings.TrimSpace(strings.ReplaceAll(s, "\t", "  "))
	left, right, more := strings.Cut(s, "  ")
	if !more || !octetGroup.MatchString(left) {
		return left
	}
	right, _, _ = strings.Cut(strings.TrimSpace(right), "  ")
	if octetRun.MatchString(right) {
		return left + " " + right
	}
	return left
}

var (
	octetGroup = regexp.MustCompile(`^[0-9a-fA-F]{2}( [0-9a-fA-F]{2}){7}$`)
	octetRun   = regexp.MustCompile(`^[0-9a-fA-F]{2}( [0-9a-fA-F]{2}){0,7}$`)
)

// separators may stand between the digits of plain hex, as in "60:00", "0x60, 0x00" or "\x60\x00".
var separators = strings.NewReplacer("0x", "", "0X", "", `\x`, "", " ", "", "\t", "", "\r", "", ",", "", ":", "", "-", "", `"`, "")

func plainHex(s string) ([]byte, error) {
	digits := separators.Replace(s)
	b, err := hex.DecodeString(digits)
	var bad hex.InvalidByteError
	switch {
	case errors.As(err, &bad):
		return nil, fmt.Errorf("%q is not a hex digit in %.40q", rune(bad), strings.TrimSpace(s))
	case err != nil:
		return nil, fmt.Errorf("an odd number of hex digits (%d)", len(digits))
	}
	return b, nil
}

// add puts octets behind the packet under way.
func (h *hexText) add(b []byte) error {
	if len(h.data) == 0 {
		h.begun = h.line
	}
	if len(h.data)+len(b) > maxHexPacket {
		return h.bad("a packet of more than %d octets; a blank line ends a packet", maxHexPacket)
	}
	h.data = append(h.data, b...)
	return nil
}

// flush gives the packet under way, if there is one.
func (h *hexText) flush() error {
	h.dump, h.repeat, h.last = false, false, nil
	if len(h.data) == 0 {
		return nil
	}
	h.number++
	p := input{file: h.file, number: h.number, line: h.begun, text: true, data: h.data, length: len(h.data)}
	h.data = nil
	return h.yield(p)
}
