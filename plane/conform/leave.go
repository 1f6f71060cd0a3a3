package conform

import (
	"net/netip"
	"time"

	"roam6/plane"
)

// waiting is an agent's path that waits for what older ways bring; toldBy what a mobile node sends by one.
func waiting(remote netip.Addr) plane.Path {
	p := marking(remote)
	p.Settle, p.Limit = 200*time.Millisecond, 9
	return p
}

func up(n byte) []byte                          { return udp(hoa, cn, 100, n) }
func toldBy(care netip.Addr, inner []byte) Step { return kernel(tunnel(care, ha, inner)) }

// movedHere is an agent whose mobile node went from coa to coa2, after some steps; nobody knows whether packets come by coa yet.
func movedHere(before []Step, then ...Step) []Step {
	steps := agent(append([]Step{path(hoa, waiting(coa))}, before...)...)
	steps = append(steps,
		way(hoa, 1, plane.Way{Local: ha, Remote: coa, Unsure: true}),
		path(hoa, waiting(coa2)).up(left(coa)))
	return append(steps, then...)
}

// leaveCases are about ways that end: who tells, and who waits for what need not come.
func leaveCases() []Case {
	return append(unsureCases(), endingCases()...)
}

func unsureCases() []Case {
	ms := time.Millisecond
	silence, straggling := plane.Silence, plane.Straggling
	ended := toldBy(coa, marker(hoa, ha))
	return []Case{
		{"a way that brought nothing is not waited for if it is unsure", movedHere(nil,
			toldBy(coa2, up(1)).up(up(1)),
			toldBy(coa, up(2)).up(up(2)),
		)},
		{"an unsure way is waited for while packets come by it", movedHere([]Step{ended, toldBy(coa, up(1)).at(straggling + 1).up(up(1))},
			toldBy(coa2, up(3)).at(straggling+1*ms), toldBy(coa, up(2)).at(straggling+9*ms).up(up(2)),
			toldBy(coa2, up(4)).at(straggling+9*ms+silence-1),
			toldBy(coa2, up(5)).at(straggling+9*ms+silence).up(up(3)).up(up(4)).up(up(5)),
		)},
		{"an unsure way is waited for until its end marker", movedHere([]Step{ended, toldBy(coa, up(1)).at(straggling + 1).up(up(1))},
			toldBy(coa2, up(3)).at(straggling+1), toldBy(coa, up(2)).at(straggling+1).up(up(2)),
			toldBy(coa, marker(hoa, ha)).at(straggling+1).up(up(3)),
		)},
		{"packets that straggle behind an end marker do not refute it", movedHere([]Step{ended, toldBy(coa, up(1)).at(straggling).up(up(1))},
			toldBy(coa2, up(2)).at(straggling).up(up(2)),
		)},
		{"a path does not wait for what came before it had Settle", agent(
			way(hoa, 1, plane.Way{Local: ha, Remote: coa}),
			path(hoa, waiting(coa2)),
			toldBy(coa2, up(1)).up(up(1)),
		)},
		{"end markers of a present way, as many as may come, hold nothing up", agent(
			path(hoa, waiting(coa)),
			ended.times(1000), toldBy(coa, up(1)).up(up(1)),
			toldBy(coa, marker(hoa2, ha)).drops(plane.DropTunnelUnknown),
			toldBy(coa2, marker(hoa, ha)).drops(plane.DropTunnelWrong),
			toldBy(coa, up(2)).at(straggling+1).up(up(2)),
		)},
	}
}

func endingCases() []Case {
	s := time.Second
	silent, hold := agentTunnel, plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 9, Capture: true}
	second := plane.Way{Local: ha, Remote: coa2}
	return []Case{
		{"a path that goes on without Mark ends what it sent so far", agent(
			path(hoa, marking(coa)),
			path(hoa, silent).up(left(coa)),
			path(hoa, silent),
			path(hoa, marking(coa)),
			kernel(down(1)).up(forwarded(coa, 1)),
		)},
		{"a path that holds without Mark ends nothing", agent(
			path(hoa, marking(coa)),
			path(hoa, hold),
			path(hoa, marking(coa2)),
			path(hoa, marking(coa)).up(left(coa2)),
		)},
		{"from an address that is gone nothing is ended", agent(
			path(hoa, marking(coa)),
			without(local(ha, plane.Local{})),
			path(hoa, marking(coa2)),
		)},
		{"copies end with a marker", agent(
			path(hoa, marking(coa)),
			way(hoa, 1, copying(second, s)),
			kernel(down(1)).up(forwarded(coa, 1)).up(forwarded(coa2, 1)),
			way(hoa, 1, second).up(left(coa2)),
			way(hoa, 1, second),
			way(hoa, 1, copying(second, s)),
			without(way(hoa, 1, second)).up(left(coa2)),
		)},
		{"copies of a path without Mark end without", agent(
			way(hoa, 1, copying(second, s)),
			way(hoa, 1, second),
		)},
		{"copies that ended by themselves are not ended again", agent(
			path(hoa, marking(coa)),
			way(hoa, 1, copying(second, s)),
			way(hoa, 1, second).at(s),
		)},
		{"what was held is copied when it leaves", agent(
			path(hoa, hold),
			kernel(down(1)),
			way(hoa, 1, copying(second, s)),
			path(hoa, agentTunnel).up(forwarded(coa, 1)).up(forwarded(coa2, 1)),
		)},
		{"what was copied before it was held is not copied again", agent(
			path(hoa, hold),
			way(hoa, 1, copying(second, s)),
			kernel(down(1)).up(forwarded(coa2, 1)),
			path(hoa, agentTunnel).up(forwarded(coa, 1)),
		)},
	}
}
