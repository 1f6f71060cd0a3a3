package yard

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// TCP measures with iperf3 what a namespace's client sends to a server at an address of another, in bits per second as the far
// end counted them. The flag -R turns the direction around.
func (y *Yard) TCP(server string, at netip.Addr, client string, length time.Duration, flags ...string) (rate float64, err error) {
	var s *exec.Cmd
	err = y.In(server, func() error {
		s = exec.Command("iperf3", "-s", "-1", "-B", at.String())
		return s.Start()
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Process.Kill(); _ = s.Wait() }()
	var out []byte
	for late := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) { // until the server listens
		err = y.In(client, func() (err error) {
			args := append([]string{"-J", "-c", at.String(), "-t", strconv.Itoa(int(length.Seconds()))}, flags...)
			out, err = exec.Command("iperf3", args...).Output()
			return err
		})
		if !strings.Contains(string(out), "refused") || time.Now().After(late) {
			break
		}
	}
	var said struct {
		Error string `json:"error"`
		End   struct {
			Received struct {
				Rate float64 `json:"bits_per_second"`
			} `json:"sum_received"`
		} `json:"end"`
	}
	if e := json.Unmarshal(out, &said); e != nil || err != nil || said.Error != "" {
		return 0, fmt.Errorf("iperf3: %s: %w", said.Error, errors.Join(e, err))
	}
	return said.End.Received.Rate, nil
}
