package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"roam6/driver"
)

// notify tells systemd (sd_notify(3)) that the node is ready, again and again that it lives, and, when the function it gives
// is called, that it stops. Where systemd did not start the node nothing happens.
func notify(ctx context.Context, n *driver.Node, log *slog.Logger) (stop func()) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return func() {}
	}
	if strings.HasPrefix(name, "@") {
		name = "\x00" + name[1:]
	}
	conn, err := net.Dial("unixgram", name)
	if err != nil {
		log.Warn("systemd cannot be told", "error", err)
		return func() {}
	}
	say := func(what string) {
		if _, err := conn.Write([]byte(what)); err != nil {
			log.Warn("systemd cannot be told", "error", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		if alive(ctx, n) { // the loop answers: the engines have started
			say("READY=1")
		}
		for every := watchdog(); every > 0; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(every):
				if alive(ctx, n) {
					say("WATCHDOG=1")
				}
			}
		}
	}()
	return func() {
		cancel()
		say("STOPPING=1")
		conn.Close()
	}
}

// alive asks the node's loop for an answer.
func alive(ctx context.Context, n *driver.Node) bool {
	st, err := n.Stats(ctx)
	return err == nil && len(st.Waiting) > 0
}

// watchdog is a third of the time systemd waits for a sign of life; 0 when it does not.
func watchdog() time.Duration {
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if pid := os.Getenv("WATCHDOG_PID"); err != nil || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(us) * time.Microsecond / 3
}
