# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034
# What the scripts share; sourced, never run.

top=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME-}/.cache}/iodemo

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

# build_folder KERNEL FOLDER: where the build for it, its log and its reports are; BITS=32 has one of its own
build_folder()
{
	bits=
	[ "${BITS:-64}" = 64 ] || bits=-$BITS
	case $1 in
	*/*) echo "$top/build/${2##*/}$bits" ;;
	*) echo "$top/build/$1$bits" ;;
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
