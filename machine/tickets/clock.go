package tickets

import (
	"slices"
	"time"

	"roam6/engine"
)

// clock is what the KDCs of a realm proved that the time was. It goes on with the monotonic clock, so that steps of the wall clock do not matter.
type clock struct {
	realm string
	time  time.Time
	at    engine.Mono
}

// Clock is the time in a realm as its KDCs proved it, else as those of the client's own realm did, else the wall clock.
func (c *Client) Clock(now engine.Now, realm string) (t time.Time, proven bool) {
	for _, r := range [...]string{realm, c.cfg.Client.Realm} {
		if i := slices.IndexFunc(c.clocks, func(k clock) bool { return k.realm == r }); i >= 0 {
			return c.clocks[i].time.Add(now.Mono.Sub(c.clocks[i].at)), r == realm
		}
	}
	return now.Wall, false
}

// learn sets the clock of a realm.
func (c *Client) learn(realm string, t time.Time) {
	c.clocks = slices.DeleteFunc(c.clocks, func(k clock) bool { return k.realm == realm })
	if len(c.clocks) == MaxClocks {
		c.clocks = slices.Delete(c.clocks, 0, 1)
	}
	c.clocks = append(c.clocks, clock{realm, t, c.now.Mono})
}

// coarse is how exact the times of tickets are.
const coarse = time.Second

// learnWhole sets the clock of a realm by a time that has whole seconds, if it is off by more than these.
func (c *Client) learnWhole(realm string, t time.Time) {
	have, proven := c.Clock(c.now, realm)
	if d := have.Sub(t); !proven || d < -coarse || d > 2*coarse {
		if d < -coarse || d > 2*coarse {
			have = t.Add(coarse / 2)
		}
		c.learn(realm, have)
	}
}
