# shellcheck shell=bash
# What the machine is made of: programs of the host, Debian's kernel, an initial file system. Read by ci/vm/run, whose cannot,
# all, here, work, cache, deb and roam6 it uses; sets version.
# shellcheck disable=SC2154

# Modules that are in the image. Loaded at boot: how results get out, and what Debian loads for whoever opens /dev/net/tun or makes a
# veth. The others are loaded by the guest for the second half of its checks.
modules="9p 9pnet_virtio virtio_pci tun veth bridge ip6_tunnel sit mip6 esp6 ah6 xfrm_user nf_tables nf_conntrack nft_ct nft_compat crc32c_generic"

# apt runs apt-get in silence; its words show only when it fails.
apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >"$work/apt" 2>&1; }

# programs makes sure of what the host needs to make and run the machine.
programs() {
	local missing=''
	command -v qemu-system-x86_64 >/dev/null || missing="$missing qemu-system-x86"
	[ "$(static busybox)" ] || missing="$missing busybox-static"
	command -v cpio >/dev/null || missing="$missing cpio"
	[ -n "$missing" ] || return 0
	[ "$(id -u)" -eq 0 ] || cannot "not root, so not installed:$missing (apt-get install$missing)"
	command -v apt-get >/dev/null || cannot "no apt-get here; install by other means:$missing"
	echo "vm: installing$missing"
	apt update || echo "vm: apt-get update failed; trying with what apt knows"
	# shellcheck disable=SC2086  # words
	apt install -y --no-install-recommends $missing || cannot "$missing could not be installed: $(tail -n 1 "$work/apt")"
}

# static prints the path of a program that needs no library, if there is one.
static() {
	local path
	path=$(command -v "$1") && ! ldd "$path" >/dev/null 2>&1 && readlink -f "$path"
}

# kernel gets Debian's kernel package, or takes the one given, and unpacks what the machine uses of it.
kernel() {
	local package
	if [ -z "$deb" ]; then
		command -v apt-get >/dev/null || cannot "no apt-get to get the kernel package with; give one with -d"
		package=$(named) || { [ "$(id -u)" -eq 0 ] && apt update && package=$(named); } ||
			cannot "apt knows no package linux-image-amd64 (is this Debian on amd64? apt-get update); give one with -d"
		mkdir -p "$cache" || exit 2
		deb=$(cd "$cache" && find . -name "${package}_*.deb" -newermt '30 days ago' | sort | tail -n 1)
		if [ -z "$deb" ]; then
			echo "vm: downloading $package (70 MB, once)"
			rm -f "$cache"/*.deb
			(cd "$cache" && apt -o APT::Sandbox::User=root download "$package") || cannot "$package could not be had: $(tail -n 1 "$work/apt")"
			deb=$(cd "$cache" && find . -name "${package}_*.deb")
		fi
		deb=$cache/$deb
	fi
	mkdir "$work/deb" || exit 2
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/deb" --wildcards './boot/vmlinuz-*' '*/modules.builtin*' '*/modules.order' \
		'*/kernel/net/*' '*/kernel/fs/*' '*/kernel/lib/*' '*/kernel/crypto/*' '*/kernel/arch/*' '*/kernel/drivers/net/*.ko*' \
		'*/kernel/drivers/virtio/*' --exclude '*/drivers/net/*/*' || cannot "$deb is no kernel package"
	cp "$work"/deb/boot/vmlinuz-* "$work/vmlinuz" || cannot "$deb has no kernel"
	version=$(cd "$work"/deb/boot && echo vmlinuz-*)
	version=${version#vmlinuz-}
}

# named prints the package that linux-image-amd64 stands for.
named() { apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1 | grep .; }

# image makes the initial file system: busybox, roam6, the guest's scripts, modules, and programs people run in a lab.
image() {
	local root=$work/root lib=lib/modules/$version
	mkdir -p "$root"/{bin,proc,sys,dev,etc,tmp,run,root,roam6/ci,"$lib"} || exit 2
	install -m 755 "$(static busybox)" "$root/bin/busybox"
	install -m 755 "$roam6" "$root/bin/roam6"
	# The tests that take a machine of their own.
	[ ! -e "$work/driver.test" ] || install -m 755 "$work/driver.test" "$root/roam6/driver.test"
	[ ! -e "$work/ah.test" ] || install -m 755 "$work/ah.test" "$root/roam6/ah.test"
	install -m 755 "$here/init" "$root/init"
	install -m 755 "$here/guest" "$here/../work" "$here/../deploy" "$here/../deploy.yaml" "$root/roam6/ci"
	ln -s bin "$root/sbin" # where the kernel looks for modprobe
	cp -r "$here/../../examples" "$root/roam6/examples"
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'user:x:1000:1000:user:/tmp:/bin/sh' >"$root/etc/passwd"
	printf '%s\n' 'root:x:0:' 'user:x:1000:' >"$root/etc/group"
	[ -z "$all" ] || : >"$root/roam6/all"
	carry bash ping iperf3 ip
	drivers "$root" "$lib"
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$work/initrd" || exit 1
}

# carry copies programs of the host with the libraries they need. Without bash the scripts that work by hand are not run.
carry() {
	local name path lib
	for name; do
		path=$(command -v "$name") || continue
		install -m 755 "$path" "$work/root/bin/$name"
		for lib in $(ldd "$path" 2>/dev/null | grep -o '/[^ ]*'); do
			[ -e "$work/root$lib" ] || install -D -m 755 "$lib" "$work/root$lib"
		done
	done
}

# drivers copies the modules named above and those they need.
drivers() {
	local root=$1 lib=$2 file
	"$(static busybox)" depmod -b "$work/deb" "$version" || cannot "busybox makes no index of modules"
	for file in $(closure "$work/deb/$lib/modules.dep"); do
		install -D -m 644 "$work/deb/$lib/$file" "$root/$lib/$file"
	done
	cp "$work/deb/$lib/modules.builtin" "$root/$lib/"
	"$(static busybox)" depmod -b "$root" "$version"
}

# closure prints the files of the modules in a modules.dep, each with all it needs.
closure() {
	awk -v wanted="$modules" '
		{ split($0, half, ":"); file = half[1]; needs[file] = half[2]; name = file; sub(/.*\//, "", name); sub(/\.ko.*/, "", name); of[name] = file }
		function take(file,   i, n, part) { if (file in done) return; done[file]; print file; n = split(needs[file], part, " "); for (i = 1; i <= n; i++) take(part[i]) }
		END { n = split(wanted, want, " "); for (i = 1; i <= n; i++) if (want[i] in of) take(of[want[i]]) }' "$1"
}
