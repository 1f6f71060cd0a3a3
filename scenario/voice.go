package scenario

import "time"

// The E-model, ITU-T G.107 (06/2015), with its default values for all that a network does not change:
//
//	R = 93.2 − Id − Ie,eff
//
// Id, from the one-way delay d in ms, by the approximation of Cole and Rosenbluth (2001): 0.024 d + 0.11 (d − 177.3) beyond
// 177.3 ms. Ie,eff = Ie + (95 − Ie) · Ppl / (Ppl/BurstR + Bpl), G.107 §7.3, for G.711 with packet loss concealment in
// 20 ms packets: Ie = 0, Bpl = 25.1 (G.113 appendix I). The model was fitted to short bursts; outages of seconds are far
// outside, so BurstR is taken as maxBurst at most, our choice.
const (
	ratingBest     = 93.2 // R of a call without impairment
	ratingBpl      = 25.1
	ratingIe       = 0.0
	maxBurst       = 2.0
	voicePacket    = 20 * time.Millisecond // the time a packet's speech takes to be spoken
	voiceBuffer    = 40 * time.Millisecond // what the receiver waits to even out delay; later packets are as good as lost
	delayKnee      = 177.3
	delaySlope     = 0.024
	delaySlopeKnee = 0.11
)

// rating is the R factor of one direction of a flow over the whole run, and the number of packets that arrived too late to be
// heard: more than voiceBuffer later than usual.
func (t *track) rating() (r float64, late int) {
	arrived, delays := t.tally().first, t.delays(0, len(t.sent))
	if len(delays) == 0 {
		return 0, 0
	}
	usual := median(delays)
	packets, lost, bursts, inBurst := 0, 0, 0, false
	for i, sent := range t.sent {
		if sent == notDone {
			continue
		}
		packets++
		bad := arrived[i] == notDone || arrived[i]-sent > usual+voiceBuffer
		if bad {
			lost++
			if arrived[i] != notDone {
				late++
			}
			if !inBurst {
				bursts++
			}
		}
		inBurst = bad
	}
	loss := float64(lost) / float64(packets)
	burst := 1.0
	if bursts > 0 && loss < 1 {
		// G.107 §7.3: the mean length of bursts over the one that independent losses would give, 1/(1 − p).
		burst = min(max(1, float64(lost)/float64(bursts)*(1-loss)), maxBurst)
	}
	return Rating(usual+voicePacket+voiceBuffer, loss, burst), late
}

// Rating is the R factor, 0..93.2, of a one-way delay from mouth to ear, a part 0..1 of packets lost, and the burst ratio.
func Rating(delay time.Duration, loss, burst float64) float64 {
	d := float64(delay) / float64(time.Millisecond)
	id := delaySlope * d
	if d > delayKnee {
		id += delaySlopeKnee * (d - delayKnee)
	}
	ppl := 100 * loss
	ie := ratingIe + (95-ratingIe)*ppl/(ppl/burst+ratingBpl)
	return max(0, ratingBest-id-ie)
}
