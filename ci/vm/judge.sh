# shellcheck shell=bash
# Judges what the machine left in $work/out. Read by ci/vm/run.
# shellcheck disable=SC2154

# note prints a line of the outcome, and counts it.
note() {
	printf '%s\t%s%s\n' "$1" "$2" "${3:+: $3}" >>"$work/out/results"
	printf '%s  %s%s\n' "$1" "$2" "${3:+: $3}"
}

# judge STATUS of the machine. The last lines are for whoever called.
judge() {
	local dir failed
	touch "$work/out/results"
	grep -q '^vm# end' <(tr -d '\r' <"$work/out/console") || {
		case $1 in
		124 | 137) note fail machine "not done after $limit s" ;;
		*) note fail machine "it ended early (qemu: status $1)" ;;
		esac
		tail -n 15 "$work/out/console"
	}
	ours || true
	for dir in "$work"/out/lab-*/; do
		[ -e "$dir/result.json" ] || continue
		dir=${dir%/}
		registered "$dir"
		lossless "$dir"
		complaints "$dir"
		captures "$dir"
	done
	failed=$(grep -c ^fail "$work/out/results")
	printf 'vm: %d passed, %d failed, %d skipped on Linux %s\n' "$(grep -c ^pass "$work/out/results")" "$failed" \
		"$(grep -c ^skip "$work/out/results")" "$version"
	[ "$failed" -eq 0 ]
}

# ours: the kernel itself found nothing wrong while we used it.
ours() {
	local found
	found=$(grep -aE 'Oops|BUG:|WARNING:|Call Trace|refcount|unregister_netdevice: waiting|Out of memory' "$work/out/console" "$work/out/dmesg" 2>/dev/null | head -n 3)
	[ -z "$found" ] && note pass "the kernel's log" "no fault" && return
	note fail "the kernel's log" "$found"
}

# registered: there were handovers, and each ended registered.
registered() {
	local all good
	all=$(grep -c '"outcome"' "$1/result.json")
	good=$(grep -c '"outcome": "registered"' "$1/result.json")
	[ "$all" -gt 0 ] && [ "$all" -eq "$good" ] && note pass "${1##*/}, registered" "$good of $all" && return
	note fail "${1##*/}, registered" "$good of $all handovers"
}

# lossless: no packet from the mobile node is lost; it holds them while it registers.
lossless() {
	local lost
	lost=$(awk -F'[:,]' '/"name":/ {up = /:up"/; name = $0} /"lost":/ && up {n += $2} END {print n + 0}' <(sed -n '/"flows"/,/^ \]/p' "$1/result.json"))
	[ "$lost" -eq 0 ] && note pass "${1##*/}, nothing lost on the way up" && return
	note fail "${1##*/}, nothing lost on the way up" "$lost packets"
}

# complaints: no kernel answered one of our headers with an error. These are the answers of a kernel that was given what an engine
# should have taken: Parameter Problem for a Mobility Header, Home Address option or routing header, Destination Unreachable (port)
# for a tunnel or ESP it does not know.
complaints() {
	local file found='' n=0
	for file in "$1"/*.pcapng; do
		n=$((n + 1))
		found=$found$("$roam6" decode --summary "$file" 2>/dev/null | grep -aE 'Parameter Problem|Destination Unreachable|Time Exceeded|Packet Too Big' | sed "s|^|${file##*/}: |")
	done
	[ -z "$found" ] && note pass "${1##*/}, no ICMPv6 error in $n captures" && return
	note fail "${1##*/}, no ICMPv6 error" "$(printf '%s\n' "$found" | wc -l) of them"
	printf '%s\n' "$found" | head -n 5
}

# captures: two readers of packets find nothing wrong.
captures() {
	local said
	command -v tshark >/dev/null || { note skip "${1##*/}, captures" "no tshark (apt-get install tshark)" && return; }
	said=$("$here/../captures" "$roam6" "$1" 2>&1) && note pass "${1##*/}, captures" "$(tail -n 1 <<<"$said")" && return
	note fail "${1##*/}, captures" "$(head -n 3 <<<"$said")"
}
