#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# newcomer-check.sh: see that who is new here, or has an odd machine, is served, or told at once what to do
#
# usage: [KERNEL=6.1] scripts/newcomer-check.sh [CASES]
#
# CASES is some of "tests kernels paths tarball headers machines mirror folders disk cache ends shell" (default: all). Odd
# machines are made of stubs in PATH; the guest is booted by mirror, and by shell three times. The last line is
# "N passed, N failed, N skipped", of checks.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"

[ $# -le 1 ] || usage 2 >&2
case ${1-} in
-*) arguments 0 "$@" ;;
esac
cases=${1:-tests kernels paths tarball headers machines mirror folders disk cache ends shell}
kernel=${KERNEL:-6.1}
unset KERNEL KDIR TESTS
"$top/scripts/setup.sh" vm build git
folder=$("$top/scripts/kernel.sh" "$kernel")

temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
stubs=$temporary/stubs
left=$temporary/left
mkdir "$stubs" "$left"
cases_said=$temporary/said

# try COMMAND...: leaves what it says, and $status
try()
{
	status=0
	"$@" >"$temporary/said" 2>&1 </dev/null || status=$?
}

# says TEXT: as a word for check
says()
{
	grep -qF -e "$1" "$temporary/said" && echo yes || echo no
}

# refused WHAT TEXT COMMAND...: it fails, and its first words are these
refused()
{
	what=$1
	words=$2
	shift 2
	try "$@"
	check "$what" 'failed yes' "$([ "$status" -eq 0 ] || echo failed) $(head -n 1 "$temporary/said" | grep -qF -e "$words" && echo yes)"
}

# copy FOLDER: this tree, as it is unpacked from a tarball
copy()
{
	mkdir -p "$1"
	tar -cf - -C "$top" --exclude=./.git --exclude=./build --exclude='*.[oad]' --exclude='*.so.*' \
		--exclude='./userspace/iodemo-*[!.]?' . | tar -xf - -C "$1"
}

# stub NAME: a program of this name that is found first; what it does comes from stdin
stub()
{
	{
		echo '#!/bin/sh'
		cat
	} >"$stubs/$1"
	chmod 755 "$stubs/$1"
}

# stubbed COMMAND...: with the stubs, which are then gone
stubbed()
{
	PATH=$stubs:$PATH try "$@"
	rm -f "$stubs"/*
}

tests()
{
	copy "$temporary/tests"
	refused 'a test that there is not is told at once' \
		'TESTS: no test program nonsense; there are: blocking nonblocking multiplexing signal async' \
		env -u MAKELEVEL make -s -C "$temporary/tests" check KERNEL="$kernel" TESTS='ring nonsense bpftrace'
	check '... before anything is built' no "$([ ! -e "$temporary/tests/build" ] && echo no)"
}

kernels()
{
	# The newest of which this machine has not got the compiler is built from its source, but not as Debian's generic
	for name in 5.99-cloud 7.3-generic; do
		try "$top/scripts/kernel.sh" "${name%-cloud}"
		[ "$status" -ne 0 ] || continue
		check "KERNEL=${name%-cloud}: what there is instead" \
			"kernel.sh: KERNEL=${name%-*}: Debian has no ${name#*-} kernel ${name%-*} for which this machine's archive has the compiler; there are:" \
			"$(sed 's/there are: [0-9. ]*$/there are:/' "$temporary/said")"
	done
	offered=$(sed -n 's/.*there are: //p' "$temporary/said")
	for name in $offered; do
		case $name in
		6.1 | 6.12)
			try "$top/scripts/kernel.sh" "$name"
			check "KERNEL=$name, which is offered, is to be had" 0 "$status"
			;;
		esac
	done
	refused 'KERNEL=nonsense' 'neither a version (6.1, 6.1-generic), nor newest, nor one that is built here' \
		"$top/scripts/kernel.sh" nonsense
}

paths()
{
	odd="$temporary/a folder"
	copy "$odd"
	for goal in demo check shell modules; do
		refused "make $goal in a folder with a space" "$odd: the kernel's makefiles take no path with a space" \
			make -s -C "$odd" "$goal" KERNEL="$kernel" KDIR="$folder/build"
	done
	refused 'a cache with a space' 'take no path with a space' env XDG_CACHE_HOME="$odd" make -s -C "$top" demo
	try make -s -C "$odd" userspace
	check 'make userspace in a folder with a space' '0 0' \
		"$status $("$odd/userspace/iodemo-blocking" --version >/dev/null; echo $?)"
}

tarball()
{
	outer=$temporary/outer
	mkdir "$outer"
	git -C "$outer" init -q
	echo '*' >"$outer/.gitignore"
	copy "$outer/iodemo"
	: >"$outer/iodemo/modules/iodemo/left.o"
	try "$outer/iodemo/scripts/build.sh" "$folder" "$outer/build" modules
	check "a tarball within another's checkout builds" '0 1' \
		"$status $(find "$outer/build/root" -name iodemo.ko | wc -l)"
	check '... and takes nothing that make has left' 0 "$(find "$outer/build/tree" -name left.o | wc -l)"
}

# A compiler that finds no header of liburing
stub_compiler()
{
	stub gcc-without <<-'END'
		for file; do
			case $file in
			- | *.c) ! cat "$file" | grep '^#include <liburing.h>' >/dev/null || exit 1 ;;
			esac
		done
		for file; do
			[ "$file" != - ] || exit 0
		done
		exec gcc "$@"
	END
}

headers()
{
	copy "$temporary/headers"
	stub_compiler
	stub pkg-config <<-'END'
		exit 1
	END
	stubbed env KDIR=/nothing make -s -C "$temporary/headers" CC=gcc-without
	check 'make without the headers of a kernel, liburing and libtracecmd' '0 yes yes' \
		"$status $(says 'Left out: iodemo-async iodemo-bench iodemo-trace, for want of the headers of liburing libtracecmd') $(
			says 'Left out: the module, for /nothing is not there')"
	check '... builds the rest' \
		'iodemo-blocking iodemo-compare iodemo-cow iodemo-ctl iodemo-multiplexing iodemo-nonblocking iodemo-report iodemo-signal iodemo-transfer iodemo-uio iodemo-zerocopy' \
		"$(cd "$temporary/headers/userspace" && find . -maxdepth 1 -name 'iodemo-*' ! -name '*.*[a-z0-9]' | sed 's|./||' | sort | paste -s -d ' ' -)"
	for goal in modules install; do
		refused "make $goal says what is missing" 'KDIR=/nothing: no kernel to build a module for' \
			env KDIR=/nothing make -s -C "$temporary/headers" "$goal" DESTDIR="$temporary/destination"
	done
}

# machine WHAT WORDS: who is new there, with these stubs, is told so
machine()
{
	stubbed env XDG_CACHE_HOME="$temporary/new" make -s -C "$top" demo
	check "$1" '2 yes yes' "$status $(says "$2") $(says 'What works here: make')"
	rm -rf "$temporary/new"
}

machines()
{
	stub uname <<-'END'
		case $1 in
		-m) echo riscv64 ;;
		-sm) echo Linux riscv64 ;;
		*) exec /bin/uname "$@" ;;
		esac
	END
	machine 'another processor' 'not for Linux riscv64'
	stub apt-get <<-'END'
		echo Ubuntu/Ubuntu
	END
	machine 'an apt that has not Debian' 'this is no Debian'
	hide_apt
	try env PATH="$programs" XDG_CACHE_HOME="$temporary/new" make -s -C "$top" demo
	check 'no apt' '2 yes yes' "$status $(says 'this is no Debian') $(says 'with DEBIAN_MIRROR=')"

	rm "$programs/strace" "$programs/qemu-system-x86_64"
	system 'ID=fedora' 'dnf install qemu-system-x86-core strace'
	system 'ID=manjaro ID_LIKE=arch' 'pacman -S qemu-system-x86 strace'
	system 'ID="opensuse-leap" ID_LIKE="suse opensuse"' 'zypper install qemu-x86 strace'
	system 'ID=else' "qemu-system-x86 strace (the names are Debian's)"
}

# system OS-RELEASE WORDS: how two packages that are missing are told on such a system
# shellcheck disable=SC2016
system()
{
	if ! unshare -m true 2>/dev/null; then
		skip "$1" 'not allowed to mount its os-release'
		return
	fi
	echo "$1" >"$temporary/os-release"
	try unshare -m sh -c 'mount --bind "$1" "$(realpath /etc/os-release)" && shift && exec "$@"' sh "$temporary/os-release" \
		env PATH="$programs" "$top/scripts/setup.sh" vm
	check "$1" "setup.sh: please install these, then try again: $2" "$(cat "$temporary/said")"
}

# Of this machine all but apt and dpkg, in $programs
hide_apt()
{
	programs=$temporary/programs
	rm -rf "$programs"
	mkdir "$programs"
	for place in /usr/sbin /usr/bin /sbin /bin; do
		find "$place/" -mindepth 1 ! -name 'apt-*' ! -name 'dpkg*' -exec ln -sf -t "$programs" {} +
	done
}

# Where there is no apt, Debian's kernels come from a mirror of its archive, here the one that this machine's apt has
# shellcheck disable=SC2016,SC2086
mirror()
{
	"$top/scripts/setup.sh" mirror
	hide_apt
	copy "$temporary/mirrored"
	address=$(apt-get indextargets --format '$(ORIGIN)/$(LABEL) $(REPO_URI)' | sed -n 's|^Debian/Debian ||p' | head -n 1)
	elsewhere="XDG_CACHE_HOME=$temporary/mirror DEBIAN_MIRROR=$address"
	fetcher=$(command -v curl || command -v wget)
	stub "${fetcher##*/}" <<-END
		$fetcher "\$@" || exit
		for file; do
			case \$file in /*/Packages.xz) echo more >>"\$file" ;; esac
		done
	END
	try env PATH="$stubs:$programs" $elsewhere "$top/scripts/kernel.sh" "$kernel"
	rm "$stubs"/*
	check 'a mirror that alters the lists' '1 yes' "$status $(says 'is not what Debian has signed')"
	elsewhere="env PATH=$programs $elsewhere"
	try $elsewhere "$top/scripts/kernel.sh" "$kernel"
	check 'without apt: a kernel from DEBIAN_MIRROR' '0 1' "$status $(find "$temporary/mirror" -name bzImage | wc -l)"
	try $elsewhere "$temporary/mirrored/scripts/vm.sh" -k "$kernel" -p modules run 'modprobe iodemo && head -n 1 /dev/iodemo'
	check '... for which the module builds, and loads' '0 1' "$status $(grep -c ' sample ' "$temporary/said")"
}

folders()
{
	: >"$temporary/file"
	copy "$temporary/unwritable"
	: >"$temporary/unwritable/build"
	refused 'a tree that cannot be written to' "$temporary/unwritable/build: cannot be written to" \
		make -s -C "$temporary/unwritable" demo KERNEL="$kernel"
	refused 'a HOME that cannot be written to' "$temporary/file/.cache/iodemo: cannot be written to: set XDG_CACHE_HOME" \
		env -u XDG_CACHE_HOME HOME="$temporary/file" make -s -C "$top" demo KERNEL="$kernel"
	refused 'a cache that cannot be written to' "$temporary/file/iodemo: cannot be written to: set XDG_CACHE_HOME" \
		env XDG_CACHE_HOME="$temporary/file" make -s -C "$top" demo KERNEL="$kernel"
	refused 'a TMPDIR that cannot be written to' "$temporary/file: cannot be written to: set TMPDIR" \
		env TMPDIR="$temporary/file" make -s -C "$top" demo KERNEL="$kernel"
}

disk()
{
	mkdir "$temporary/full"
	stub df <<-'END'
		printf 'Filesystem 1024-blocks Used Available Capacity Mounted on\ndisk 1000000 900000 %s 90%% /\n' "${FREE:-9000}"
	END
	stubbed env XDG_CACHE_HOME="$temporary/full" make -s -C "$top" demo
	check 'a full disk' '2 yes' "$status $(says ': 8 MB are free there, and 100 are needed')"
	stub df <<-'END'
		printf 'Filesystem 1024-blocks Used Available Capacity Mounted on\ndisk 1000000 800000 204800 80%% /\n'
	END
	stubbed env XDG_CACHE_HOME="$temporary/full" make -s -C "$top" demo
	check 'a disk with no room for a kernel' '2 yes' \
		"$status $(says "$temporary/full/iodemo/apt: 200 MB are free there, and 300 are needed")"
	# What apt says when the disk fills up meanwhile
	stub apt-get <<-'END'
		case $* in
		*update) echo 'E: Write error - write (28: No space left on device)'; exit 100 ;;
		*REPO_URI*) echo 'Debian/Debian http://localhost/debian' ;;
		*) echo Debian/Debian ;;
		esac
	END
	stubbed env XDG_CACHE_HOME="$temporary/full" make -s -C "$top" demo
	check 'a disk that fills up' '2 yes no' \
		"$status $(says "$temporary/full/iodemo/apt: the disk is full") $(says 'Debian has no')"
}

# In a name space of its own, where the cache is mounted read-only: what root may write to, too
# shellcheck disable=SC2016
read_only()
{
	try unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"' sh "$@"
}

cache()
{
	# A kernel that another run was killed over is removed by the next
	own=$temporary/own/iodemo
	mkdir -p "$own/kernel/6.0.new.1/packages.debs"
	ln -s "$cache/apt" "$own/apt"
	stub apt-get <<-'END'
		case $* in *download*) exit 100 ;; esac
		exec /usr/bin/apt-get "$@"
	END
	stubbed env XDG_CACHE_HOME="$temporary/own" "$top/scripts/kernel.sh" "$kernel"
	check 'a download that fails leaves nothing, nor does one that was killed' '1 0' \
		"$status $(find "$own/kernel" -mindepth 1 -type d | wc -l)"

	copy "$temporary/distclean"
	try env XDG_CACHE_HOME="$temporary/own" make -s -C "$temporary/distclean" distclean
	check 'make distclean removes the cache' '0 no' "$status $([ ! -e "$own" ] && echo no)"

	if ! unshare -m true 2>/dev/null; then
		skip 'a cache for a class' 'not allowed to mount it read-only'
		return
	fi
	read_only "$cache" "$top/scripts/kernel.sh" "$kernel"
	check 'a cache for a class, read-only' "0 $folder" "$status $(cat "$temporary/said")"
	read_only "$cache" env LIMIT=1 "$top/scripts/vm.sh" -k "$kernel" -p modules -t 1 run true
	check '... builds and boots' '124 yes' "$status $(says 'the machine was ended after 1 s')"
	mkdir -p "$temporary/empty/iodemo"
	read_only "$temporary/empty/iodemo" env XDG_CACHE_HOME="$temporary/empty" "$top/scripts/kernel.sh" "$kernel"
	check 'one that is empty' '1 yes' "$status $(says "$temporary/empty/iodemo: cannot be written to, and has no lists")"
}

# A shell loses a signal that comes while it becomes another program, so the stub is none when it tells that it has begun.
# One for qemu leaves its number, as qemu does.
#
# begin STUB COMMAND...: in a session of its own; returns when the stub, which then lasts, has begun, and leaves in
# $session what to kill. What it has begun holds the pipe that "ended" reads.
begin()
{
	stub "$1" <<-END
		while [ \$# -gt 0 ]; do
			[ "\$1" != -pidfile ] || echo \$\$ >"\$2"
			shift
		done
		exec perl -e 'open my \$file, ">", "$temporary/begun"; print \$file "begun"; close \$file; sleep 1000'
	END
	shift
	rm -f "$temporary/begun" "$temporary/alive"
	mkfifo "$temporary/begun" "$temporary/alive"
	exec 5<>"$temporary/alive"
	PATH=$stubs:$PATH TMPDIR=$left setsid env --default-signal=HUP,INT,PIPE,TERM "$@" \
		>"$temporary/said" 2>&1 </dev/null 6>"$temporary/alive" 5>&- &
	session=$!
	timeout 300 cat "$temporary/begun" >/dev/null || die "$*: does not come to its stub"
	exec 4<"$temporary/alive" 5>&-
	rm -f "$stubs"/*
}

# end SIGNAL WHOM: and wait, for others take it for alive until somebody has
end()
{
	kill -s "$1" -- "$2"
	wait "$session" || :
}

# Whether all have ended, and what they left
ended()
{
	timeout 60 cat <&4 && echo yes
	ls "$left"
}

ends()
{
	copy "$temporary/ends"
	for signal in INT TERM HUP PIPE; do
		for program in cpio qemu-system-x86_64; do
			begin "$program" "$temporary/ends/scripts/vm.sh" -k "$kernel" -p none run true
			end "$signal" "-$session"
			check "SIG$signal while $program runs: all end, nothing is left" yes "$(ended)"
		done
	done
	# The first is sent SIGHUP, for the terminal is its session's; nobody tells the second
	for how in exec 'setsid -w'; do
		begin qemu-system-x86_64 script -qec "$how $temporary/ends/scripts/vm.sh -k $kernel -p none shell" /dev/null
		end KILL "$session"
		check "a shell by $how, whose terminal goes away: all end, nothing is left" yes "$(ended)"
	done
}

# shell_of [LINE]...: make shell's, read as a file
shell_of()
{
	status=0
	for line; do
		echo "$line"
	done | timeout 300 make -s -C "$temporary/shell" shell KERNEL="$kernel" >"$temporary/said" 2>&1 || status=$?
}

shell()
{
	copy "$temporary/shell"
	step 'building for the shell' "$temporary/shell/scripts/build.sh" "$folder" "$temporary/shell/build/$kernel" modules userspace
	shell_of 'man iodemo-ctl | head -n 1' poweroff
	check 'make shell has man, and poweroff ends it' '0 yes' "$status $(says 'General Commands Manual')"
	check '... and builds no tests' no "$([ ! -e "$temporary/shell/build/$kernel/selftests" ] && echo no)"
	shell_of reboot
	check 'reboot ends it' 0 "$status"
	shell_of
	check 'the end of its input ends it' 0 "$status"
}

for case in $cases; do
	case $case in
	tests | kernels | paths | tarball | headers | machines | mirror | folders | disk | cache | ends | shell) "$case" ;;
	*) die "$case: no such case; there are tests, kernels, paths, tarball, headers, machines, mirror, folders, disk, cache," \
		"ends and shell" ;;
	esac
done
verdict
