# shellcheck shell=bash
# The stages of ci/check. $scratch is a directory that is removed at the end; the binary under test is $scratch/roam6.

# The scenarios that run in namespaces, and the rooms that must build for a browser (house_test.go: pure).
scenarios="commute home pingpong link-loss route-optimised mobile-network two-radios roam-home-ha roam-visited-ha roam-embedded-bu roam-dh
fast-shared-key fast-local-kdc fast-home-kdc"
pure="wire keying conf plane engine machine handover role node scenario sim"
# Moves of the walk with fast handovers, by each plane.
moves=${ROAM6_MOVES:-12}
# Seeds of each scenario in the swarm; every one runs twice.
seeds=${ROAM6_SEEDS:-50}

# note adds one check to the tally: note pass|fail|skip WHAT [WHY].
note() {
	case $1 in
	pass) echo 1 0 0 ;;
	fail) echo 0 1 0 ;;
	skip) echo 0 0 1 ;;
	esac >>"$tally"
	printf '%s\t%s%s\n' "$1" "$2" "${3:+: $3}"
}

# skip_stage says why a stage cannot run here.
skip_stage() {
	note skip "$1" "$2"
	return 77
}

# holds runs a check that prints nothing unless it fails.
holds() {
	local what=$1 said
	shift
	if said=$("$@" 2>&1); then
		note pass "$what"
	else
		note fail "$what"
		printf '%s\n' "$said"
		return 1
	fi
}

has() { command -v "$1" >/dev/null 2>&1; }

# tests runs go test, counted, and prints its `ok` lines.
tests() { go run ./ci/gotest -tally "$tally" -- "$@"; }

# static builds as a release is built.
static() { CGO_ENABLED=0 go build -buildvcs=false -trimpath -o "$1" ./cmd/roam6; }

binary() { [ -x "$scratch/roam6" ] || static "$scratch/roam6"; }

silent() {
	local said
	said=$("$@") && [ -z "$said" ] && return
	printf '%s\n' "$said"
	return 1
}

# every file is as gofmt writes it
stage_format() { holds "gofmt -l ." silent gofmt -l .; }

# go vet finds nothing
stage_vet() { holds "go vet ./..." go vet ./...; }

# staticcheck finds nothing
stage_lint() { holds staticcheck go tool -modfile=tools/go.mod staticcheck ./...; }

# arrows and purity of the rooms, examples and papers; nothing generated is stale
stage_house() { tests .; }

# one static binary, and every command the papers show is in it
stage_build() {
	local bad=0
	holds "static binary" static "$scratch/roam6" || return 1
	holds "roam6 version" "$scratch/roam6" version || bad=1
	holds "commands in the papers" ci/commands "$scratch/roam6" || bad=1
	return $bad
}

# the pure rooms build for a browser
stage_wasm() {
	local room bad=0
	for room in $pure; do
		holds "js/wasm $room" env GOOS=js GOARCH=wasm go build "./$room/..." || bad=1
	done
	return $bad
}

# the fast path's programs in the tree are what clang makes of their source
stage_objects() {
	local version=/usr/include/linux/version.h
	has clang-14 && has llvm-strip-14 || skip_stage objects "no clang-14 and llvm-14, which made the objects (apt-get install clang-14 llvm-14)" || return
	[ -e /usr/include/bpf/bpf_helpers.h ] || skip_stage objects "no bpf/bpf_helpers.h (apt-get install libbpf-dev)" || return
	# The types of the kernel's headers are part of an object.
	grep -q 'VERSION_MAJOR 6$' $version && grep -q 'VERSION_PATCHLEVEL 1$' $version ||
		skip_stage objects "the objects were made with the headers of Linux 6.1 (Debian 12), and here are others" || return
	cp -r driver/ebpf "$scratch/objects" || return
	restore="cp -r $scratch/objects/. driver/ebpf"
	holds "go generate ./driver/ebpf/..." go generate ./driver/ebpf/... && holds "objects in the tree" diff -r "$scratch/objects" driver/ebpf
	local status=$?
	$restore && restore=''
	return $status
}

# all tests but those of the stage house, with the seeds and corpora of the fuzz targets
stage_unit() {
	local packages
	packages=$(go list ./... | grep -v '^roam6$') || return
	# shellcheck disable=SC2086  # one word a package
	CGO_ENABLED=0 tests -timeout 15m $packages
}

# the rooms with goroutines under the race detector
stage_race() {
	has gcc || skip_stage race "no gcc, which the race detector needs (apt-get install gcc libc6-dev)" || return
	CGO_ENABLED=1 tests -race -timeout 20m ./driver/... ./lab/... ./store/... ./cmd/...
}

# seeds of every scenario with loss, crashes, skewed clocks and a replaying attacker, all checkers on, each twice
stage_swarm() { tests -timeout 20m ./sim/check -run TestSwarm -seeds "$seeds"; }

# laboratory SCENARIO DIR COMMAND... runs a scenario in namespaces, with the flags in the array flags, and leaves its report in DIR.
laboratory() {
	local scenario=$1 dir=$2 status
	shift 2
	"$@" lab run "$scenario" --report "$dir" --quiet ${flags[@]+"${flags[@]}"} >"$scratch/said" 2>&1
	status=$?
	case $status in
	0) note pass "lab run $scenario${flags[*]+ ${flags[*]}}" ;;
	3) note skip "lab run $scenario" "$(tail -n 3 "$scratch/said" | tr '\n' ' ')" ;;
	*) note fail "lab run $scenario${flags[*]+ ${flags[*]}}" "status $status" && cat "$scratch/said" ;;
	esac
	[ $status -eq 3 ] || [[ $dir != "$scratch"/lab-* ]] || judge_meanwhile "$dir"
	return $status
}

# labs runs every scenario; 77 when this machine can run none.
labs() {
	local s bad=0 status
	for s in $scenarios; do
		flags=()
		laboratory "$s" "$scratch/lab-$s" "$scratch/roam6"
		status=$?
		[ $status -ne 3 ] || return 77
		[ $status -eq 0 ] || bad=1
	done
	# Signalling in the clear, so that captures can be judged to the last option.
	flags=(--set mn.security=auth)
	laboratory pingpong "$scratch/lab-auth" "$scratch/roam6" || bad=1
	# Fast handovers at all phases of advertisements and traffic, by both planes where the machine allows it: nothing may be lost.
	for s in soft ebpf; do
		flags=(--strategy fmipv6 --plane "$s" --set "walk.moves=$moves" --set expect.max_lost=0)
		laboratory walk "$scratch/lab-fmipv6-$s" "$scratch/roam6"
		[ $? -ne 1 ] || bad=1
	done
	# The fast path, where the machine allows it: its packets are in the captures too.
	flags=(--plane ebpf)
	laboratory pingpong "$scratch/lab-ebpf" "$scratch/roam6"
	[ $? -ne 1 ] || bad=1
	return $bad
}

# every scenario in real namespaces, with what it expects
stage_lab() { binary && labs; }

# judge judges the captures of a run: its status and what is said of it are left beside them. One at a time, since each takes two cores.
judge() {
	local dir=$1 wanted=()
	case ${dir##*/lab-} in
	route-optimised) wanted=('ipv6.routing.type == 2 && udp' 'ipv6.opt.mipv6.home_address && udp' 'mip6.mhtype == 5') ;;
	mobile-network) wanted=('mip6.nemo.mnp.mnp && mip6.nemo.bu.r_flag == 1' 'mip6.nemo.ba.r_flag == 1') ;;
	two-radios) wanted=('mip6.bi.bid == 2 && mip6.bi.coa_ipv6' 'mip6.mhtype == 6 && mip6.bi.bid == 2') ;;
	# AAA Request and Reply, and what becomes of them: ARR and ARA; all else of Diameter is inside TLS there. The kernels of access
	# routers say nothing of what is for their engines: no Destination Unreachable about a request, no Redirect.
	commute | roam-*) wanted=('icmpv6.type == 150' 'diameter.cmd.code == 16777214' 'no icmpv6.type == 1 && icmpv6.type == 150' 'no icmpv6.type == 137') ;;
	# RtSolPr and PrRtAdv, FBU, FBack, HI and HAck (inside ESP), UNA.
	fmipv6-*) wanted=('icmpv6.type == 154' 'mip6.mhtype == 8' 'mip6.mhtype == 9' 'esp && mip6.mhtype == 14' 'esp && mip6.mhtype == 15' 'icmpv6.type == 136') ;;
	# What a ticket is carried in, and the routers' words to each other.
	fast-*) wanted=('icmpv6.type == 150' 'ah') ;;
	esac
	flock "$scratch/judging" "${@:2}" ci/captures "$scratch/roam6" "$dir" "${wanted[@]}" >"$dir/judged" 2>&1
	echo $? >"$dir/verdict"
}

# judge_meanwhile judges the captures of a run while the next one goes on: a laboratory mostly waits, and what is idle gives way at once.
judge_meanwhile() {
	[[ " $stages " == *" captures "* ]] && has tshark && has chrt || return 0
	judge "$1" chrt --idle 0 &
	judges="$judges $!"
}
judges=''

# tshark and roam6 decode find no malformed packet and no bad checksum in any capture of the lab, and see what each run is about
stage_captures() {
	local dir bad=0 any=0
	has tshark || skip_stage captures "no tshark (apt-get install tshark)" || return
	binary || return
	# shellcheck disable=SC2086  # one word a process
	[ -z "$judges" ] || wait $judges
	for dir in "$scratch"/lab-*; do
		[ -d "$dir" ] || continue
		any=1
		[ -e "$dir/verdict" ] || judge "$dir"
		if [ "$(cat "$dir/verdict")" -eq 0 ]; then
			note pass "captures of ${dir##*/lab-}" "$(tail -n 1 "$dir/judged")"
		else
			note fail "captures of ${dir##*/lab-}"
			cat "$dir/judged"
			bad=1
		fi
	done
	[ $any -eq 1 ] || skip_stage captures "the lab has run no scenario, so there are none" || return
	return $bad
}

# a user without any right runs a lab, in a user namespace
stage_rootless() {
	[ "$(id -u)" -eq 0 ] || skip_stage rootless "not root, so the lab stage has shown it already" || return
	has setpriv || skip_stage rootless "no setpriv (apt-get install util-linux)" || return
	binary || return
	local dir status mode=''
	# Debian lets every user open the device; where it is root's alone we open it for the time of this run.
	if [ -c /dev/net/tun ] && ! setpriv --reuid nobody --regid nogroup --clear-groups test -w /dev/net/tun; then
		mode=$(stat -c %a /dev/net/tun) && restore="chmod $mode /dev/net/tun" && chmod 666 /dev/net/tun || return
		echo "/dev/net/tun is mode $mode here; it is 666 while this stage runs, as on Debian"
	fi
	dir=$(mktemp -d "${TMPDIR:-/tmp}/roam6-nobody.XXXXXX") || return
	mkdir "$dir/run" && cp "$scratch/roam6" "$dir/roam6" && chown -R nobody "$dir" && chmod 755 "$dir" && chmod 700 "$dir/run" || return
	flags=()
	laboratory link-loss "$dir/out" setpriv --reuid nobody --regid nogroup --clear-groups env HOME="$dir" XDG_RUNTIME_DIR="$dir/run" "$dir/roam6"
	status=$?
	rm -rf "$dir"
	[ -z "$mode" ] || chmod "$mode" /dev/net/tun
	restore=''
	[ $status -ne 3 ] || return 77
	return $status
}

# hand WHAT COMMAND... runs a script that works by hand as a person would; its words show only when it fails.
hand() {
	local what=$1 status
	shift
	"$@" >"$scratch/said" 2>&1
	status=$?
	case $status in
	0) note pass "$what" "$(tail -n 1 "$scratch/said")" ;;
	77) note skip "$what" "$(tail -n 1 "$scratch/said")" ;;
	*) note fail "$what" && cat "$scratch/said" ;;
	esac
	return $status
}

# a lab to work in: up, ping and iperf3 inside the mobile node while it moves, down, and nothing is left
stage_work() { binary && hand "lab up, exec, move, down" ci/work "$scratch/roam6"; }

# iperf3 inside the mobile node keeps its connections through fast handovers, with full-size packets, by both planes
stage_stream() {
	local bad=0 status skips=0 s
	binary || return
	for s in soft ebpf; do
		hand "iperf3 through fast handovers, $s" ci/stream "$scratch/roam6" "$s"
		status=$?
		case $status in
		0) ;;
		77) skips=$((skips + 1)) ;;
		*) bad=1 ;;
		esac
	done
	[ $skips -lt 2 ] || return 77
	return $bad
}

# the files of examples/ run as nodes on plain hosts: registered, moved home and back, killed, journal replayed; the units run under systemd
stage_deploy() {
	local bad=0 skips=0 status
	binary || return
	hand "examples as nodes" ci/deploy "$scratch/roam6"
	status=$?
	[ $status -ne 77 ] && bad=$((bad + status)) || skips=1
	hand "units under systemd" ci/systemd "$scratch/roam6"
	status=$?
	[ $status -ne 77 ] && bad=$((bad + status)) || skips=$((skips + 1))
	[ $skips -lt 2 ] || return 77
	return $bad
}
