package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"roam6/scenario"
)

// disturbed marks handovers whose figures are of the machine.
const disturbed = "*"

// lasting is how long the machine must have stood still outside handovers for one to feel it afterwards: timers ran out meanwhile, and
// packets that nobody fetched were lost.
const lasting = scenario.Millis(100 * time.Millisecond)

// numberOf is how a table names the handover of that number in the result.
func numberOf(r *scenario.Result, i int) string {
	name := strconv.Itoa(i + 1)
	switch {
	case r.Handovers[i].Stood > 0:
		return name + disturbed
	case r.Disturbed():
		return name + " "
	}
	return name
}

// standing says when the machine stood still, in a line for each handover that it was in; of many the first ones.
func standing(r *scenario.Result) []string {
	first, times := map[int]scenario.Millis{}, map[int]int{}
	without, longest := 0, scenario.Millis(0)
	for _, s := range r.Stood {
		for _, i := range s.Handovers {
			if times[i]++; times[i] == 1 {
				first[i] = s.At
			}
		}
		if len(s.Handovers) == 0 {
			without, longest = without+1, max(longest, s.Length)
		}
	}
	var out []string
	for i := range r.Handovers {
		switch {
		case times[i] == 0:
			continue
		case len(out) == textReasons:
			out = append(out, fmt.Sprintf("%s and so in %s", disturbed, plural(len(times)-textReasons, "more handover")))
		case len(out) < textReasons:
			when := fmt.Sprintf("for %s ms at %s s", number(&r.Handovers[i].Stood), seconds(first[i]))
			if n := times[i]; n > 1 {
				when = fmt.Sprintf("%d times from %s s on, together for %s ms", n, seconds(first[i]), number(&r.Handovers[i].Stood))
			}
			out = append(out, fmt.Sprintf("%s the machine stood still %s: up to as much of what handover %d took is its doing, not the protocol's", disturbed, when, i+1))
		}
	}
	if last := len(out) - 1; last >= 0 {
		out[last] += "; run again when it is less busy"
	}
	if without > 0 {
		out = append(out, fmt.Sprintf("outside handovers the machine stood still %s, for %s ms at most", plural(without, "time"), number(&longest)))
	}
	return out
}

// Excuse is what is to be said of a run that is not as expected though the machine is a reason for it; "" when it is none.
func Excuse(r *scenario.Result) string {
	var which []int
	for i, h := range r.Handovers {
		if h.Stood > 0 {
			which = append(which, i)
		}
	}
	when := ""
	for _, s := range r.Stood {
		if s.Length >= lasting {
			when = fmt.Sprintf("for %s ms at %s s", number(&s.Length), seconds(s.At))
		}
	}
	if len(which) > 0 {
		when = "in " + theHandovers(which)
	}
	if when == "" {
		return ""
	}
	return fmt.Sprintf("the machine stood still %s, so this may be its doing and not the protocol's: run again when it is less busy, or in the simulator, where nothing stands still", when)
}

// theHandovers names some by their numbers; of many the first ones.
func theHandovers(numbers []int) string {
	if len(numbers) == 1 {
		return "handover " + strconv.Itoa(numbers[0]+1)
	}
	var names []string
	for _, i := range numbers[:min(len(numbers), TextFirst)] {
		names = append(names, strconv.Itoa(i+1))
	}
	last := len(names) - 1
	if more := len(numbers) - len(names); more > 0 {
		return fmt.Sprintf("handovers %s and %d more", strings.Join(names, ", "), more)
	}
	return fmt.Sprintf("handovers %s and %s", strings.Join(names[:last], ", "), names[last])
}
