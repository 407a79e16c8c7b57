# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034
# What the scripts share; sourced, never run.

top=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME-}/.cache}/iodemo

# This machine's architecture, the guest's, and that of the guest's programs, as Debian calls them. ARCH in the environment
# is kbuild's word too, which calls them otherwise, and so has another name from here on.
case $(uname -m) in
x86_64) native=amd64 ;;
aarch64) native=arm64 ;;
*) native=$(uname -m) ;;
esac
arch=${IODEMO_ARCH:-${ARCH:-$native}}
case $arch in
x86 | x86_64) arch=amd64 ;;
esac
export IODEMO_ARCH="$arch"
unset ARCH
case ${BITS:-64} in
64) target=$arch ;;
32) target=i386 ;;
*) target="$BITS bits" ;;
esac

# tools ARCHITECTURE: what the names of the compiler and its kin for it begin with, if it is not this machine's
tools()
{
	case $1 in
	"$native") ;;
	amd64) echo x86_64-linux-gnu- ;;
	arm64) echo aarch64-linux-gnu- ;;
	i386) echo i686-linux-gnu- ;;
	esac
}

# compiler_for NAME ARCHITECTURE: Debian's package of this compiler for that, and the program: "gcc-12-i686-linux-gnu
# i686-linux-gnu-gcc-12"
compiler_for()
{
	prefix=$(tools "$2")
	echo "$1${prefix:+-$(echo "${prefix%-}" | tr _ -)} $prefix$1"
}

# Debian's lists of packages
apt=$cache/apt
[ "$arch" = amd64 ] || apt=$cache/apt-$arch

# A make that calls us has its own variables, which are none of our makes'
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# Who ends a script lets it remove what it has begun, by its trap for EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# usage [STATUS]: the comment at the head of the script
usage()
{
	sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"
	exit "${1:-0}"
}

# arguments COUNT "$@": show that comment for --help, or if there are not so many
arguments()
{
	case ${2-} in
	-h | --help) usage ;;
	esac
	[ $# -eq $(($1 + 1)) ] || usage 2 >&2
}

# step WHAT COMMAND...: run it silently; say what is done if that takes longer than 2 s, and show its output if it fails.
# Nothing is left behind by one that is interrupted, whatever the script has trapped: the output has no name, and the
# ticker ends with the script.
step()
{
	step_what=$1
	shift
	step_log=$(mktemp "${TMPDIR:-/tmp}/iodemo.XXXXXX")
	exec 8>"$step_log"
	exec 7<"$step_log"
	rm "$step_log"
	step_begin=$(date +%s)
	step_ticker "$step_what" &
	step_pid=$!
	step_status=0
	"$@" >&8 2>&1 </dev/null 7<&- 8>&- || step_status=$?
	# One that has just been forked still has our traps, and a signal for them would be lost
	kill -s KILL "$step_pid" 2>/dev/null || :
	wait "$step_pid" 2>/dev/null || :
	step_seconds=$(($(date +%s) - step_begin))
	if [ "$step_status" -ne 0 ]; then
		printf '\n%s: failed after %s s: %s\n' "${0##*/}" "$step_seconds" "$step_what" >&2
		tail -n 60 <&7 >&2
		for step_folder in "$cache" "$top/build" "${TMPDIR:-/tmp}"; do
			(room "$step_folder" 1) || :
		done
		exit 1
	fi
	exec 7<&- 8>&-
	[ "$step_seconds" -lt 3 ] || printf '%s: %s s\n' "$step_what" "$step_seconds" >&2
}

# One line after 2 s, and one every 30 s, which a terminal and a log show alike. It hears no SIGINT, as all that such a
# shell has in the background; and one that has ended, but that nobody has waited for yet, still takes signals.
step_ticker()
{
	exec 7<&- 8>&- 9>&-
	ticks=0
	while sleep 1 >/dev/null 2>&1 && [ -e "/proc/$$/exe" ]; do
		ticks=$((ticks + 1))
		[ "$ticks" -ne 2 ] || echo "$1 ..." >&2
		[ $((ticks % 30)) -ne 0 ] || echo "$1 ... $ticks s" >&2
	done
}

# room FOLDER MEGABYTES: see that there is so much in the file system which has it
room()
{
	free=$(df -Pk "$1" | awk 'NR == 2 { print int($4 / 1024) }')
	[ "${free:-$2}" -ge "$2" ] ||
		die "$1: $free MB are free there, and $2 are needed: make room, or see README.md for how to take another folder"
}

# lock FILE: hold it until this script ends; one at a time may make what stands beside it
lock()
{
	# Where nobody can write, nobody is to be waited for
	[ "${1#"$cache"}" = "$1" ] || ! read_only_cache || return 0
	mkdir -p "$(dirname "$1")"
	exec 9>"$1"
	flock -n 9 && return
	echo "waiting for another run to finish with $1 ..." >&2
	flock 9
}

unlock()
{
	exec 9>&-
}

# Somebody else has filled it, for all of a class
read_only_cache()
{
	[ -d "$cache" ] && [ ! -w "$cache" ]
}

# What was killed while it made a folder holds no lock of it any more
remove_stale()
{
	for stale in "$cache"/*/*.new.*; do
		[ ! -d "$stale" ] || [ "${stale%.new.*}" = "$folder" ] || flock -n "${stale%.new.*}.lock" rm -rf "$stale" || :
	done
	rm -rf "$folder".new.*
}

# A folder is made under another name and renamed when it is whole, so what has the name is whole
# begin_folder NAME MEGABYTES
begin_folder()
{
	folder=$cache/$1
	lock "$folder.lock"
	[ ! -d "$folder" ] || return 1
	! read_only_cache || die "$cache: cannot be written to, and has no $1: who has filled it is to do there what you do," \
		"or set XDG_CACHE_HOME to a folder of yours"
	room "$cache" "$2"
	remove_stale
	new=$folder.new.$$
	trap '[ -z "$new" ] || rm -rf "$new"' EXIT
	mkdir -p "$new"
}

finish_folder()
{
	mv "$new" "$folder"
	new=
}

# apt knows Debian's packages; on other systems they come from DEBIAN_MIRROR
have_apt()
{
	command -v apt-get >/dev/null
}

# The busybox that runs in a guest without libraries; it has other names where both kinds may be installed
static_busybox()
{
	for busybox in /bin/busybox /bin/busybox-static /bin/busybox.static /sbin/busybox; do
		[ -x "$busybox" ] && ! ldd "$busybox" >/dev/null 2>&1 && echo "$busybox" && return
	done
	return 1
}

# build_folder KERNEL FOLDER: where the build for it, its log and its reports are; programs of another
# architecture have one of their own
build_folder()
{
	other=
	[ "$target" = "$native" ] || other=-$target
	case $1 in
	*/*) echo "$top/build/${2##*/}$other" ;;
	*) echo "$top/build/$1$other" ;;
	esac
}

# watches KERNEL: whether it is one that looks at all that it does, and so is slow
watches()
{
	case $1 in
	debug | debug-* | kcsan | kcsan-*) return 0 ;;
	*) return 1 ;;
	esac
}

# Who answers for what is made here: DEBFULLNAME <DEBEMAIL>, or whom git knows, or root of this machine
maintainer()
{
	name=${DEBFULLNAME:-$(git -C "$top" config user.name || echo root)}
	mail=${DEBEMAIL:-$(git -C "$top" config user.email || echo "root@$(hostname -f)")}
	echo "$name <$mail>"
}
