//go:build linux

package lab

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// lastWords is how long a terminal is read on after its program has ended.
const lastWords = 500 * time.Millisecond

// terminal is a pseudo-terminal for a program inside that follows a real one outside.
type terminal struct {
	in, out       *os.File // the real one
	master, slave *os.File
	saved         *unix.Termios // the real one's
	running       bool
	resized       chan os.Signal
	copied        chan struct{}
}

func isTerminal(f *os.File) bool {
	if f == nil {
		return false
	}
	_, err := unix.IoctlGetTermios(fdOf(f), unix.TCGETS)
	return err == nil
}

// openTerminal makes one with the settings and the size of in, if that is given.
func openTerminal(in, out *os.File) (*terminal, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	slave, err := openSlave(fdOf(master))
	if err != nil {
		master.Close()
		return nil, err
	}
	t := &terminal{in: in, out: out, master: master, slave: slave, resized: make(chan os.Signal, 1), copied: make(chan struct{})}
	if in != nil {
		if set, err := unix.IoctlGetTermios(fdOf(in), unix.TCGETS); err == nil {
			t.saved = set
			unix.IoctlSetTermios(fdOf(slave), unix.TCSETS, set)
		}
		t.resize()
	}
	return t, nil
}

func openSlave(master int) (*os.File, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return nil, err
	}
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return nil, err
	}
	return os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
}

// run turns the real terminal raw and copies both ways.
func (t *terminal) run() {
	t.slave.Close() // the program has it now: the master reads to its end when the program has gone
	t.running = true
	if t.saved != nil {
		raw := *t.saved
		raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
		raw.Oflag &^= unix.OPOST
		raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
		raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
		raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
		unix.IoctlSetTermios(fdOf(t.in), unix.TCSETS, &raw)
	}
	signal.Notify(t.resized, unix.SIGWINCH)
	t.resize() // it may have changed before anybody told us
	go func() {
		for range t.resized {
			t.resize()
		}
	}()
	go io.Copy(t.master, t.in) // ends with this process
	go func() {
		defer close(t.copied)
		io.Copy(t.out, t.master)
	}()
}

func (t *terminal) resize() {
	if size, err := unix.IoctlGetWinsize(fdOf(t.in), unix.TIOCGWINSZ); err == nil {
		unix.IoctlSetWinsize(fdOf(t.master), unix.TIOCSWINSZ, size)
	}
}

// close waits for the program's last words and gives the real terminal its settings back.
func (t *terminal) close() {
	t.slave.Close()
	if t.running {
		select {
		case <-t.copied:
		case <-time.After(lastWords): // something it left behind still holds the terminal
		}
		signal.Stop(t.resized)
		close(t.resized)
		if t.saved != nil {
			unix.IoctlSetTermios(fdOf(t.in), unix.TCSETS, t.saved)
		}
	}
	t.master.Close()
}
