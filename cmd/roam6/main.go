package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker: -X main.version=1.2.3.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	status := run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// run executes one command line and gives the exit status.
func run(ctx context.Context, args []string) int {
	root := rootCmd()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return conclude(os.Stderr, cmd, err)
}
