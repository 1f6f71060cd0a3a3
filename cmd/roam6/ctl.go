package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/engine"
)

// Where nodes have their control sockets unless their configuration says otherwise, and how long an answer may take.
const (
	controlDir  = "/run/roam6"
	controlWait = 15 * time.Second
)

// ctlFlags are the flags of `ctl`.
type ctlFlags struct {
	socket, name, engine string
	json, table          bool
}

// ctlVerbs are what every node answers, and what the roles do.
var ctlVerbs = []cobra.Completion{
	cobra.CompletionWithDesc("view", "what the roles know: bindings, addresses, states"),
	cobra.CompletionWithDesc("stats", "what the node has counted, and what it waits for"),
	cobra.CompletionWithDesc("table", "the forwarding state it wants"),
	cobra.CompletionWithDesc("events", "what happens, as it happens, until Ctrl-C"),
	cobra.CompletionWithDesc("engines", "names of the roles that run"),
	cobra.CompletionWithDesc("link-up", "LINK [attachment=TEXT] [hw=BSSID]: tell that a link is up"),
	cobra.CompletionWithDesc("link-down", "LINK: tell that a link is down"),
	cobra.CompletionWithDesc("hint", "LINK hw=BSSID [attachment=TEXT] [in=DURATION]: tell where the link will be soon"),
	cobra.CompletionWithDesc("refresh", "mobile node: register again now"),
	cobra.CompletionWithDesc("prefixes", "mobile node: ask the home agent for the home prefixes; events tell what comes"),
	cobra.CompletionWithDesc("bindings", "home agent: its bindings"),
	cobra.CompletionWithDesc("handover", "access router: mobile=HW cell=BSSID: tell a mobile node to hand over"),
	cobra.CompletionWithDesc("cells", "access router: mobile=HW: tell a mobile node of the neighbours' cells"),
	cobra.CompletionWithDesc("drain", "AAA server: ADDRESS: the home agent gets no new mobile nodes"),
	cobra.CompletionWithDesc("undrain", "AAA server: ADDRESS: it gets some again"),
	cobra.CompletionWithDesc("stop", "end the node"),
}

// verbHelp is a line a verb.
func verbHelp() string {
	var help strings.Builder
	for _, v := range ctlVerbs {
		verb, what, _ := strings.Cut(v, "\t")
		fmt.Fprintf(&help, "  %-10s %s\n", verb, what)
	}
	return help.String()
}

func ctlCmd() *cobra.Command {
	f, help := &ctlFlags{}, verbHelp()
	c := &cobra.Command{
		Use:   "ctl VERB [KEY=VALUE]...",
		Short: "Ask or command a running node",
		Long: "Asks or commands a node that runs on this host, at its control socket.\n\n" + help +
			"\nOther verbs go to the role named by --engine as they are. Answers are JSON; view --table is for people.",
		Example: lines(
			"roam6 ctl view",
			"roam6 ctl -n aaah view --table              sessions, peers, home agents and their load",
			"roam6 ctl -n aaah drain 2001:db8:0:1::a     before its home agent goes down for repair",
			"roam6 ctl -n ha stats | jq .drops",
			"roam6 ctl -n mn events",
			"roam6 ctl -n mn link-up wlan0 attachment=office     from a wpa_cli action script",
		),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("roam6 ctl needs a VERB:\n%s", strings.TrimRight(help, "\n"))
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return ctlVerbs, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: work(func(c *cobra.Command, args []string) error { return f.run(c.Context(), args[0], args[1:]) }),
	}
	c.Flags().StringVarP(&f.socket, "socket", "s", "", "the node's control `SOCKET`")
	c.Flags().StringVarP(&f.name, "node", "n", "", "the node's `name`: its socket is "+controlDir+"/NAME.sock")
	must(c.RegisterFlagCompletionFunc("node", controlNames))
	f.askFlags(c)
	c.MarkFlagsMutuallyExclusive("socket", "node")
	return c
}

// askFlags adds the flags of a question to a node, on a host or in a lab.
func (f *ctlFlags) askFlags(c *cobra.Command) {
	c.Flags().StringVar(&f.engine, "engine", "", "the `role` that is asked, such as mn (needed only when the node has several)")
	c.Flags().BoolVar(&f.json, "json", false, "events: one JSON object a line")
	c.Flags().BoolVarP(&f.table, "table", "t", false, "view: tables instead of JSON")
	must(c.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions([]string{"mn", "ha", "ar", "cn", "aaa", "kdc"}, cobra.ShellCompDirectiveNoFileComp)))
}

// path is the socket meant; with no flag, the only one there is.
func (f *ctlFlags) path() (string, error) {
	if f.socket != "" {
		return f.socket, nil
	}
	if f.name != "" {
		if strings.ContainsAny(f.name, "/\x00") {
			return "", usagef("-n %q: the name of a node is allowed, without slashes; a socket elsewhere is named with -s SOCKET", f.name)
		}
		return filepath.Join(controlDir, f.name+".sock"), nil
	}
	have, _ := filepath.Glob(filepath.Join(controlDir, "*.sock"))
	switch len(have) {
	case 1:
		return have[0], nil
	case 0: // as when the one that is named does not answer: the command line may be right
		return "", fmt.Errorf("no node has a control socket in %s; is one running? One elsewhere is named with -s SOCKET", controlDir)
	}
	var names []string
	for _, h := range have {
		names = append(names, strings.TrimSuffix(filepath.Base(h), ".sock"))
	}
	return "", usagef("several nodes run here; say which with -n NAME: %s", strings.Join(names, ", "))
}

func (f *ctlFlags) run(ctx context.Context, verb string, words []string) error {
	args, err := ctlArgs(verb, words)
	if err != nil {
		return err
	}
	path, err := f.path()
	if err != nil {
		return err
	}
	c, err := driver.Dial(path)
	if err != nil {
		return err
	}
	return f.ask(ctx, c, verb, args)
}

// ask says what a verb gives, and closes the connection.
func (f *ctlFlags) ask(ctx context.Context, c *driver.Client, verb string, args map[string]string) error {
	defer c.Close()
	if verb == driver.VerbEvents {
		return c.Follow(ctx, f.event)
	}
	if verb == "view" && f.engine == "" {
		verb = driver.VerbViews
	}
	if verb == "undrain" {
		verb, args["drained"] = "drain", "false"
	}
	ctx, cancel := context.WithTimeout(ctx, controlWait)
	defer cancel()
	reply, err := c.Call(ctx, f.engine, verb, args)
	switch {
	case err != nil:
		return err
	case strings.HasPrefix(reply.Err, "unknown verb") || strings.Contains(reply.Err, "has no engine"):
		return f.refused(verb, reply.Err)
	case reply.Err != "":
		return fmt.Errorf("%s: %s", verb, reply.Err)
	case len(reply.Data) == 0 || string(reply.Data) == "null":
		return nil
	}
	if verb == "view" || verb == driver.VerbViews || verb == "bindings" || verb == "drain" {
		if now, ok := clockOf(ctx, c); ok {
			reply.Data = readable(reply.Data, now)
		}
		if f.table {
			return viewTables(os.Stdout, reply.Data)
		}
	}
	return printJSON(json.RawMessage(reply.Data))
}

// refused says what to do when no role took a verb, in words of this command line.
func (f *ctlFlags) refused(verb, why string) error {
	_, names, several := strings.Cut(why, "it has: ")
	switch {
	case f.engine == "" && several:
	case strings.HasPrefix(why, "unknown verb"):
		return usagef("%s; every node takes: %s", why, strings.Join(everyVerb, ", "))
	default:
		return usagef("%s: %s", verb, strings.TrimPrefix(why, "driver: "))
	}
	names, _, _ = strings.Cut(names, ";")
	role := verbRoles[verb]
	if list := strings.Split(names, ", "); role == "" || !slices.Contains(list, role) {
		role = list[len(list)-1]
	}
	return usagef("%s: no verb of the node as a whole, and it runs several roles: %s; say which one is asked, such as --engine %s (those of all roles are in roam6 ctl --help)",
		verb, names, role)
}

// everyVerb are the verbs that no role has to know.
var everyVerb = []string{"stats", driver.VerbTable, driver.VerbEvents, driver.VerbEngines, driver.VerbLinkUp, driver.VerbLinkDown, driver.VerbHint, driver.VerbStop}

// verbRoles are the roles whose verbs have names of their own.
var verbRoles = map[string]string{"bindings": "ha", "refresh": "mn", "prefixes": "mn", "handover": "ar", "cells": "ar", "drain": "aaa", "undrain": "aaa", "forget": "kdc"}

// aloneKeys are what the first word after a verb may be without saying so, as wpa_cli gives links.
var aloneKeys = map[string]string{driver.VerbLinkUp: "port", driver.VerbLinkDown: "port", driver.VerbHint: "port", "drain": "agent", "undrain": "agent"}

// ctlArgs reads KEY=VALUE words. The link of link-up, link-down and hint may stand alone, and the home agent of drain and undrain.
func ctlArgs(verb string, words []string) (map[string]string, error) {
	args := map[string]string{}
	for i, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if alone := aloneKeys[verb]; !ok && i == 0 && alone != "" {
			key, value, ok = alone, w, true
		}
		if !ok || key == "" {
			return nil, usagef("%q: after the verb KEY=VALUE is allowed", w)
		}
		args[key] = value
	}
	return args, nil
}

// event prints one event.
func (f *ctlFlags) event(t driver.Told) {
	if f.json {
		printLine(t)
		return
	}
	fmt.Printf("%12.6f  %-6s %s\n", t.At.Seconds(), t.Engine, eventText(t))
}

// printLine prints a value as one line of JSON.
func printLine(v any) {
	b, err := json.Marshal(v)
	must(err)
	fmt.Println(string(printableJSON(b)))
}

// eventText is an event in words: its name, its reason, its attributes. It tells of lost ones. A step is told as timelines tell it: what
// has happened, then what is waited for.
func eventText(t driver.Told) string {
	if t.Lost > 0 {
		fmt.Fprintf(os.Stderr, "(%d events lost: this terminal was too slow)\n", t.Lost)
	}
	words, attrs := []string{}, t.Event.Attrs
	switch reason := t.Event.Reason; {
	case t.Event.Name == engine.EventStep && len(attrs) > 0:
		words, attrs = append(words, attrs[0].Value), attrs[1:] // the first one is the step
		if reason != "" {
			words[0] += "; waits for: " + reason
		}
	case reason != "":
		words = append(words, reason)
	}
	for _, a := range attrs {
		words = append(words, a.Key+"="+a.Value)
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	for i := range words {
		words[i] = printable(words[i])
	}
	return fmt.Sprintf("%-20s %s", t.Event.Name, strings.Join(words, " "))
}

// printableJSON escapes what is not printable and stands in strings as it is, which JSON allows for all from U+007F on.
func printableJSON(b []byte) []byte {
	bad := func(r rune) bool { return r > '~' && !strconv.IsPrint(r) }
	if bytes.IndexFunc(b, bad) < 0 {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	for _, r := range string(b) {
		if !bad(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

// printable quotes what is not all printable: much that is shown was said by strangers, and a terminal obeys what it is told to print.
func printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return s
	}
	return strconv.Quote(s)
}
