package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"roam6/driver"
	"roam6/driver/ebpf"
	"roam6/driver/gate"
	"roam6/lab"
)

// finding is one thing a machine has or lacks.
type finding struct {
	Name  string `json:"name"`
	State string `json:"state"` // have, lack (costs something), info
	Found string `json:"found"`
	Costs string `json:"costs,omitempty"` // what cannot be done without it
	Do    string `json:"do,omitempty"`    // what to install or change
}

const (
	have = "have"
	lack = "lack"
	info = "info"
)

func doctorCmd() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine has, what it lacks, and what each lack costs",
		Long: `Looks at this machine and changes nothing. The simulator (roam6 sim) needs nothing of it. The exit status is 3 when the
laboratory (roam6 lab) cannot run here.`,
		Args: exactly(0, "no argument"),
		RunE: work(func(*cobra.Command, []string) error {
			list, labErr := examine()
			if asJSON {
				if err := printJSON(list); err != nil {
					return err
				}
			} else {
				if _, err := os.Stdout.WriteString(findingsText(list)); err != nil {
					return err
				}
			}
			if labErr != nil {
				return ended(exitLacks)
			}
			return nil
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// examine looks at the machine. The error says why the lab cannot run.
func examine() ([]finding, error) {
	list := []finding{{Name: "roam6 sim", State: have, Found: "runs everywhere"}}
	labErr := lab.Supported()
	f := finding{Name: "roam6 lab", State: have, Found: "can run"}
	if labErr != nil {
		f = finding{Name: f.Name, State: lack, Found: labErr.Error(), Costs: "scenarios on a real kernel"}
	}
	list = append(list, f)
	missing := driver.Missing()
	ipv6 := ipv6Of(sysctl("net/ipv6/conf/all/disable_ipv6"))
	list = append(list, nodeFinding(missing, ipv6), kernelFinding(), tunFinding(), fastFinding(), gateFinding(gate.Probe()), userNamespaces(), capabilityFinding(missing))
	list = append(list, ipv6Findings(ipv6)...)
	list = append(list, program("tshark", "a second opinion on captures (make test compares with it)", "apt install tshark"),
		program("ping", "trying a lab by hand", "apt install iputils-ping"),
		program("iperf3", "throughput through a lab", "apt install iperf3"),
		finding{Name: "processors", State: info, Found: fmt.Sprintf("%d; with two or more a lab of many nodes keeps its times better", runtime.NumCPU())})
	return append(list, modulesFinding(moduleStates(os.DirFS("/"), release()))), labErr
}

func kernelFinding() finding {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return finding{Name: "kernel", State: lack, Found: err.Error()}
	}
	return finding{Name: "kernel", State: info, Found: unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])}
}

// release is the kernel's, as in uname -r; empty when it is not known.
func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

func tunFinding() finding {
	const path = "/dev/net/tun"
	f := finding{Name: path, State: lack, Costs: "roam6 lab and roam6 node", Do: "modprobe tun; in a container: --device " + path}
	i, err := os.Stat(path)
	if err != nil {
		f.Found = err.Error()
		return f
	}
	f.Found = fmt.Sprintf("mode %04o", i.Mode().Perm())
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		f.Found += ", " + err.Error()
		f.Do = "sudo chmod 0666 " + path + " (the mode Debian gives it), or run as root"
		return f
	}
	unix.Close(fd)
	return finding{Name: path, State: have, Found: f.Found + ", opens"}
}

func fastFinding() finding {
	if err := ebpf.Probe(); err != nil {
		return finding{Name: "--plane ebpf", State: lack, Found: err.Error(),
			Costs: "speed; users' packets pass through user space", Do: "nothing, if --plane soft is fast enough; a running node says in roam6 ctl stats what is fast"}
	}
	return finding{Name: "--plane ebpf", State: have, Found: "programs load; a running node says in roam6 ctl stats what is fast and why the rest is not"}
}

func userNamespaces() finding {
	f := finding{Name: "user namespaces", State: have, Found: "at most " + sysctl("user/max_user_namespaces")}
	switch {
	case sysctl("user/max_user_namespaces") == "0":
		f.Do = "sudo sysctl user.max_user_namespaces=10000"
	case sysctl("kernel/unprivileged_userns_clone") == "0":
		f.Do = "sudo sysctl kernel.unprivileged_userns_clone=1"
	case sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
		f.Do = "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
	}
	if f.Do != "" {
		f.State, f.Found, f.Costs = lack, "not for users without privilege", "roam6 lab without root"
	}
	return f
}

func capabilityFinding(missing []driver.Lack) finding {
	f := finding{Name: "capabilities", State: have, Found: driver.Held()}
	for _, m := range missing {
		if strings.HasPrefix(m.Name, "CAP_") {
			f.State, f.Costs, f.Do = lack, "roam6 node (roam6 lab makes its own)", m.How
		}
	}
	return f
}

// offFindings names interfaces without IPv6: a mobile node has them to itself while it runs, and a killed one leaves them so.
func offFindings() []finding {
	const dir = "/proc/sys/net/ipv6/conf/"
	entries, _ := os.ReadDir(dir)
	var off []string
	for _, e := range entries {
		if n := e.Name(); n != "all" && n != "default" && n != "lo" && sysctl("net/ipv6/conf/"+n+"/disable_ipv6") == "1" {
			off = append(off, n)
		}
	}
	if len(off) == 0 {
		return nil
	}
	return []finding{{Name: "IPv6 of links", State: info, Found: "off on " + strings.Join(off, ", ") + "; a mobile node has its links to itself while it runs",
		Do: "if none runs (one was killed): start and stop it, or sudo sysctl net.ipv6.conf." + off[0] + ".disable_ipv6=0"}}
}

func program(name, use, install string) finding {
	path, err := exec.LookPath(name)
	if err != nil {
		return finding{Name: name, State: lack, Found: "not installed", Costs: use, Do: install}
	}
	return finding{Name: name, State: have, Found: path}
}

func sysctl(name string) string {
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func findingsText(list []finding) string {
	var b strings.Builder
	marks := map[string]string{have: "ok ", lack: "no ", info: " . "}
	for _, f := range list {
		fmt.Fprintf(&b, "%s %-16s %s\n", marks[f.State], f.Name, f.Found)
		if f.Costs != "" {
			fmt.Fprintf(&b, "%20s costs: %s\n", "", f.Costs)
		}
		if f.Do != "" {
			fmt.Fprintf(&b, "%20s do:    %s\n", "", f.Do)
		}
	}
	return b.String()
}
