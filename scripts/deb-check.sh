#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016
# deb-check.sh: see that what "make install" and "make deb" put on a machine works there, and can be taken away again
#
# usage: scripts/deb-check.sh [CASES]
#
# CASES is some of "install packages machine" (default: all). machine takes root: it installs the packages into a fresh
# Debian of this machine's release, for which they are built, which is kept, without them, in the cache. The last line is
# "N passed, N failed, N skipped", of checks.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"

[ $# -le 1 ] || usage 2 >&2
case ${1-} in
-*) arguments 0 "$@" ;;
esac
cases=${1:-install packages machine}

# Who answers for the packages, on a machine where nobody is known by name; lintian wants an address
git -C "$top" config user.email >/dev/null || : "${DEBFULLNAME:=iodemo}" "${DEBEMAIL:=iodemo@example.org}"
export DEBFULLNAME DEBEMAIL

version=$(cat "$top/VERSION")
debs=$top/build/deb
ours='iodemo iodemo-dkms libiodemo-dev libiodemo1'
temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
trap 'exit 130' INT TERM HUP
root=$temporary/root

# front_door TARGET: the user's make, with a DESTDIR
front_door()
{
	make -C "$build/tree" -j "$(nproc)" "$1" KDIR="$kernel/build" DESTDIR="$destdir"
}

others()
{
	(cd "$destdir" && find . | sort)
}

objects()
{
	(cd "$build/tree/userspace" && find . -name '*.o' | sort)
}

# A tree of links to the sources, so that nothing is built in place; the caller's build is none of ours
install()
{
	"$top/scripts/setup.sh" vm build
	kernel=$("$top/scripts/kernel.sh" 6.1)
	build=$top/build/deb-check
	destdir=$temporary/destdir
	lock "$build/lock"
	"$top/scripts/build.sh" "$kernel" "$build" none
	ln -sfn "$top/Makefile" "$build/tree/Makefile"
	release=$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$kernel/build/include/generated/utsrelease.h")

	mkdir -p "$destdir"
	step 'make install' front_door install
	check 'make install: the module is where modprobe of its release looks first' \
		"lib/modules/$release/updates/modules/iodemo" "$(cd "$destdir" && find . -name 'iodemo.ko*' -printf '%P' | sed 's|/[^/]*$||')"
	check 'make install: each program is there, and says its version' "iodemo-blocking (iodemo) $version" \
		"$("$destdir/usr/local/bin/iodemo-blocking" --version | sed 's/,.*//')"
	for program in "$destdir"/usr/local/bin/*; do
		name=${program##*/}
		[ -e "$destdir/usr/local/share/man/man1/$name.1" ] && [ -e "$destdir/usr/local/share/bash-completion/completions/$name" ] ||
			echo "$name"
	done >"$temporary/bare"
	check 'make install: each has a manual page and a completion' '' "$(cat "$temporary/bare")"
	step 'make uninstall' front_door uninstall
	check 'make uninstall: DESTDIR is empty again' . "$(others)"
	before=$(objects)
	echo another >"$build/tree/.kdir"
	step 'make modules' front_door modules
	check 'make modules, after those of another kernel: takes nothing of the programs' "$before" "$(objects)"

	mkdir -p "$destdir/usr/local/bin" "$destdir/usr/local/share/man/man3" "$destdir/lib/modules/$release/updates"
	touch "$destdir/usr/local/bin/iodemo-else" "$destdir/usr/local/share/man/man3/else.3" "$destdir/lib/modules/$release/updates/else.ko"
	before=$(others)
	step 'make install' front_door install
	step 'make uninstall' front_door uninstall
	check 'make uninstall: what others have there stays' "$before" "$(others)"
	status=0
	front_door uninstall >/dev/null 2>&1 || status=$?
	check 'make uninstall: where nothing is installed, nothing is wrong' 0 "$status"
	unlock
}

packages()
{
	"$top/scripts/setup.sh" lintian
	"$top/scripts/deb.sh" >/dev/null
	check 'make deb: the packages' "$(echo "$ours" | tr ' ' '\n' | sed "s/\$/ $version/")" \
		"$(for deb in "$debs"/*.deb; do dpkg-deb --show --showformat '${Package} ${Version}\n' "$deb"; done | sort)"
	check 'make deb: lintian says nothing' '' "$(lintian --allow-root -I "$debs"/*.changes 2>&1)"
}

# there COMMAND...: run it on the fresh machine, with /proc, which dkms and its shell need; it is gone with the command
there()
{
	env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" "$@"
}

apt()
{
	there apt-get -q -y -o Acquire::Retries=3 "$@"
}

address_archives()
{
	"$top/scripts/debian.sh" own >"$root/etc/apt/sources.list" && cp /etc/resolv.conf "$root/etc/" && apt update
}

# What our packages take, as apt counts it, is installed before them: purging them leaves the machine as it was then
dependencies()
{
	there sh -c 'apt-get -s install --no-install-recommends /debs/*.deb' | sed -n 's/^Inst \([^ ]*\).*/\1/p' |
		grep -vxF "$(echo "$ours" | tr ' ' '\n')"
}

# shellcheck disable=SC2046,SC2086
make_base()
{
	mkdir "$root" &&
		"$top/scripts/debian.sh" own | mmdebstrap --variant=minbase "$suite" "$temporary/base.tar" - &&
		tar -xf "$temporary/base.tar" -C "$root" && rm "$temporary/base.tar" &&
		address_archives && cp -r "$debs" "$root/debs" &&
		apt install --no-install-recommends $there_before && dependencies >"$temporary/dependencies" &&
		apt install --no-install-recommends $(cat "$temporary/dependencies") &&
		apt clean && rm -r "$root/debs" &&
		tar -cf "$base.new" -C "$root" . && mv "$base.new" "$base" && rm -r "$root"
}

# One for each set of packages that ours ask for
fresh_machine()
{
	lock "$cache/debian.lock"
	asked=$({ echo "$there_before" && for deb in "$debs"/*.deb; do dpkg-deb --field "$deb" Depends; done; } | cksum)
	base=$cache/debian-$suite-${asked%% *}.tar
	if [ ! -e "$base" ]; then
		rm -f "$cache"/debian-"$suite"-*
		step "making a fresh Debian $suite" make_base
	fi
	mkdir "$root"
	step 'unpacking a fresh Debian' tar -xf "$base" -C "$root"
	unlock
	step 'reading the lists of packages there' address_archives
}

# All that is there but what apt and dpkg keep for themselves. dkms makes a key for the machine with the first module, and
# keeps it for others; and depmod its index, where nobody had installed a kernel, but only headers.
files_there()
{
	(cd "$root" && find . -xdev ! -type d ! -path './var/cache/*' ! -path './var/lib/apt/*' ! -path './var/log/*' \
		! -path './var/lib/dpkg/*-old' ! -path './var/lib/dkms/mok.*' ! -path './tmp/*' ! -path './etc/*-' ! -path './usr/lib/modules/*/modules.*' | sort
	cat etc/group etc/passwd
	find . -path ./tmp -prune -o -type d -name '*iodemo*' -print
	grep -rl iodemo usr/lib/modules || :)
}

# For which kernels dkms has installed the module
built()
{
	there dkms status -m iodemo -v "$version" | sed -n 's|^iodemo/[^,]*, \([^,]*\), .*: installed.*|\1|p' | sort
}

headers()
{
	(cd "$root/lib/modules" && for release in */build; do echo "${release%/build}"; done | sort)
}

# Of each module: its version, for what release it is, and whether it is signed, if that kernel looks
modules_there()
{
	for release in $(headers); do
		module=$(there modinfo -k "$release" -F filename iodemo)
		echo "$release $(there modinfo -F version "$module") $(there modinfo -F vermagic "$module" | cut -d ' ' -f 1)" \
			"$(there modinfo -F signer "$module" | grep -q . && echo signed)"
	done
}

expected_modules()
{
	for release in $(headers); do
		signed=
		! there grep -q '^CONFIG_MODULE_SIG=y' "/lib/modules/$release/build/.config" || signed=signed
		echo "$release $version $release $signed"
	done
}

programs_there()
{
	there dpkg -L iodemo | sed -n 's|^/usr/bin/||p' | while read -r program; do
		there "$program" --help >/dev/null || echo "$program --help: status $?"
		case $(there "$program" --version) in
		"$program (iodemo) $version,"*) ;;
		*) echo "$program: another version" ;;
		esac
		[ -e "$root/usr/share/man/man1/$program.1.gz" ] || echo "$program: no manual page"
		there bash -c '. /usr/share/bash-completion/completions/"$0" && complete -p "$0"' "$program" >/dev/null ||
			echo "$program: no completion"
	done
}

# A program of somebody's, with what pkg-config says
library_there()
{
	there sh -c 'printf "%s\n" "#include <libiodemo.h>" "#include <stdio.h>" "int main(void)" \
		"{ printf(\"%d\\n\", iodemo_open(\"/nonexistent\", 0)); }" >/tmp/a.c &&
		cc -o /tmp/a /tmp/a.c $(pkg-config --cflags --libs libiodemo) && /tmp/a' 2>&1
}

machine()
{
	[ -e "$debs" ] || "$top/scripts/deb.sh" >/dev/null
	"$top/scripts/setup.sh" mmdebstrap
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	arch=$(dpkg --print-architecture)
	# Without openssl, dkms does not sign
	there_before="linux-headers-cloud-$arch gcc libc6-dev openssl pkg-config"
	fresh_machine
	files_there >"$temporary/before"

	cp -r "$debs" "$root/tmp/debs"
	step 'installing the packages there' there sh -c 'apt-get -q -y install --no-install-recommends /tmp/debs/*.deb'
	check 'install: dkms has built the module for the headers that were there' "$(headers)" "$(built)"
	step 'updating the kernel there' apt install --no-install-recommends "linux-headers-$arch"
	check 'a kernel update: there are two kernels now' 2 "$(headers | wc -l)"
	check 'a kernel update: dkms has built the module for both' "$(headers)" "$(built)"
	check 'each module is of this version, for its kernel, and signed if that asks' "$(expected_modules)" "$(modules_there)"
	check 'programs: --help, --version, a manual page and a completion' '' "$(programs_there)"
	check 'library: a program builds, runs, and gets its errors' -2 "$(library_there)"
	check 'the group that may use the device' iodemo "$(there getent group iodemo | cut -d : -f 1)"
	check 'the udev rule has it' 1 "$(cat "$root"/usr/lib/udev/rules.d/70-iodemo.rules "$root"/lib/udev/rules.d/70-iodemo.rules \
		2>/dev/null | sort -u | grep -c 'GROUP="iodemo", MODE="0660"')"

	# shellcheck disable=SC2086
	step 'purging the packages there' apt purge $ours
	step 'purging the other kernel there' apt purge --auto-remove "linux-headers-$arch"
	files_there >"$temporary/after"
	check 'purge: nothing is left' '' "$(diff "$temporary/before" "$temporary/after")"
}

for case in $cases; do
	case $case in
	install | packages) $case ;;
	machine)
		if unshare --mount true 2>/dev/null; then machine; else skip machine 'not root, or may not mount'; fi
		;;
	*) die "$case: not a case; there are install, packages and machine" ;;
	esac
done
verdict
