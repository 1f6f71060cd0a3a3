// Command roam6 is the one binary of the project: flags and wiring, nothing else. What a command does lives in the room
// that it calls.
//
//	main.go root.go exit.go      start, command tree, exit statuses
//	source.go wiring.go          scenarios by name or file; node's engines for the worlds that run them
//	simrun.go swarm.go labrun.go labup.go compare.go   worlds
//	live.go output.go pcap.go    what a run shows while it goes, and what it leaves
//	noderun.go log.go notify.go ctl.go replay.go       real nodes
//	doctor.go bench*.go scenario.go man.go             around them
package main
