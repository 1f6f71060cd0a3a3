package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"roam6/store/subscriber"
	"roam6/store/subscriber/principal"
)

// passwordFlags are those of a subscriber's password for Kerberos.
type passwordFlags struct {
	set, remove bool
	text        string
}

func (p *passwordFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&p.set, "password", false, "give it a password for kinit, asked for at the terminal or read from standard input; its key stays good beside it")
	c.Flags().BoolVar(&p.remove, "no-password", false, "take its password away")
}

// ask reads the password, before anything is touched.
func (p *passwordFlags) ask(ctx context.Context, name string) (err error) {
	switch {
	case p.set && p.remove:
		return usagef("--password and --no-password: one of them is allowed")
	case p.set:
		p.text, err = readPassword(ctx, name)
	}
	return err
}

// apply sets the password. done says that no other flag asks for anything.
func (p *passwordFlags) apply(c *cobra.Command, d *subscriber.DB, name string) (done bool, err error) {
	if !p.set && !p.remove {
		return false, nil
	}
	done = true
	c.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "db", "db-key", "password", "no-password":
		default:
			done = false
		}
	})
	return done, d.SetPassword(c.Context(), name, p.text)
}

// unseen reads a line from the terminal without showing it. After Ctrl-C the terminal is as it was before.
func unseen(ctx context.Context, prompt string) (string, error) {
	in := int(os.Stdin.Fd())
	before, err := term.GetState(in)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "%s: ", prompt)
	defer fmt.Fprintln(os.Stderr)
	type answer struct {
		text []byte
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(in)
		typed <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(in, before))
	case a := <-typed:
		return string(a.text), a.err
	}
}

// readPassword asks for a password at the terminal, twice and unseen, or takes the first line of standard input.
func readPassword(ctx context.Context, name string) (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		line, err := bufio.NewReaderSize(io.LimitReader(os.Stdin, principal.MaxPassword+2), principal.MaxPassword+2).ReadString('\n')
		if err != nil && err != io.EOF {
			return "", err
		}
		text := strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		return text, usage(principal.CheckPassword(text))
	}
	text, err := unseen(ctx, "New password for "+name)
	if err != nil {
		return "", err
	}
	if err := principal.CheckPassword(text); err != nil {
		return "", usage(err)
	}
	again, err := unseen(ctx, "The same again")
	if err == nil && again != text {
		err = usagef("the passwords differ: nothing was changed")
	}
	return text, err
}
