#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# run.sh: run a command of this machine's in a virtual machine that has the device
#
# usage: scripts/run.sh [OPTION]... COMMAND        COMMAND is a shell's; its exit status is the script's
#
#   -k KERNEL   the guest's kernel: a version that Debian has (default: 6.1), or the path of a bzImage with KDIR= set
#   -p PARAMS   the module's parameters, "period_us=0 devices=2"
#   -d FOLDER   where the command runs (default: the current folder)
#   -r ROOT     the folder of another system: the command sees its files as its own, and this machine's, read-only, in
#               /host; it is root there, in /root (or -d), and has nothing of the environment here
#   -t SECONDS  end it after that long (default: 0, never)
#   -m SIZE     memory of the guest, of which what the command writes takes up to three quarters (default: 2G)
#
# The command sees this machine's files, all of them, as they are when it first looks: its programs and libraries are
# the host's, and so are the folder, the environment, the umask, the user and the groups. What it writes goes to memory,
# and is gone with the guest. /proc, /sys, /dev and /run are the guest's; /tmp is not, for what is tried is often there.
# The programs of iodemo are found last in PATH. There is no network.
#
# Input that is no terminal is the command's, which reads nothing otherwise. Output and errors come as they are written;
# they are a terminal's if both are here, and in their order if both go to the same place.
#
# Exit status: the command's; 125 when it could not be run, 124 when the time was up, 99 when the kernel's log has a
# report, 128 and more when a signal ended the command or the script. make knows but 0 and 2, and prints the status.
#
# How: 9p, the server in qemu itself, with readonly=on. It answers EROFS to every request that is not on its list of
# those which only read, whatever the guest's kernel does, and needs neither root nor a name space nor a daemon, which a
# container would not let us have. (virtiofsd takes one of these, and that of bookworm has no way to be read-only.) It
# opens nothing but files and folders. Debian's cloud kernels have no 9p: the guest has a generic one.
set -eu

unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MAKE_TERMOUT MAKE_TERMERR IODEMO_COMMAND IODEMO_FOLDER
environment=$(export -p)

. "$(dirname "$0")/lib.sh"

# 1 may be the command's
die()
{
	echo "run.sh: $*" >&2
	exit 125
}

kernel=6.1
parameters=
where=
root=
limit=0
memory=2G
while getopts :k:p:d:r:t:m:h-: option; do
	case $option in
	k) kernel=$OPTARG ;;
	p) parameters=$OPTARG ;;
	d) where=$OPTARG ;;
	r) root=$OPTARG ;;
	t) limit=$OPTARG ;;
	m) memory=$OPTARG ;;
	h | -) usage ;;
	*) usage 2 >&2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 1 ] || usage 2 >&2
[ -n "$1" ] || die "no command: make run CMD='python3 mytest.py' [PARAMS='period_us=0'] [KERNEL=6.12]"
if [ -n "$root" ]; then
	root=$(cd "$root" && pwd -P) || exit 125
	: "${where:=/root}"
	[ -x "$root/bin/sh" ] || die "$root: not a system's root, it has no /bin/sh"
	[ -d "$root/$where" ] || die "$where: no folder in $root"
	environment='umask 022; export HOME=/root LC_ALL=C.UTF-8'
else
	where=$(cd "${where:-$PWD}" && pwd) || exit 125
	case $(cd "$where" && pwd -P)/ in
	/proc/* | /sys/* | /dev/* | /run/*) die "$where: the guest has /proc, /sys, /dev and /run of its own: start elsewhere" ;;
	esac
fi
case $kernel in
debug) die "KERNEL=debug has no 9p to show the guest this machine's files; there are 6.1 and 6.12" ;;
*/* | *-generic) ;;
*) kernel=$kernel-generic ;;
esac

quote()
{
	printf "'"
	printf %s "$1" | sed "s/'/'\\\\''/g"
	printf "'"
}

# What the guest's shell starts the command with
first_script()
{
	printf 'cd %s || exit 125\nunset OLDPWD\numask %s\n' "$(quote "$where")" "$(umask)"
	echo "$environment"
	# shellcheck disable=SC2016
	printf 'PWD=%s\nPATH=$PATH:/run/iodemo/bin\nexec /bin/sh -c %s\n' "$(quote "$where")" "$(quote "$1")"
}

# device DRIVER NAME=VALUE...: a section of what qemu reads
device()
{
	echo '[device]'
	printf '  driver = "%s"\n' "$1"
	shift
	for pair; do
		printf '  %s = "%s"\n' "${pair%%=*}" "${pair#*=}"
	done
}

# shared TAG FOLDER
shared()
{
	printf '[fsdev "%s"]\n  fsdriver = "local"\n  path = "%s"\n  readonly = "on"\n' "$1" "$2"
	printf '  security_model = "none"\n  multidevs = "remap"\n'
	device virtio-9p-pci "fsdev=$1" "mount_tag=$1"
}

# pipe NAME FILE
pipe()
{
	printf '[chardev "%s"]\n  backend = "file"\n  path = "%s"\n  append = "on"\n' "$1" "$2"
}

devices()
{
	shared host /
	shared job "$temporary/job"
	pipe port "$temporary/errors"
	pipe output "$temporary/output"
	pipe errors "$temporary/errors"
	printf '[chardev "input"]\n  backend = "stdio"\n  signal = "off"\n'
	device virtio-serial-pci
	for name in input output errors; do
		device virtserialport "chardev=$name" "name=$name"
	done
}

# Whether output and errors are one and the same
same()
{
	[ "$(stat -L -c %d:%i "/proc/$$/fd/1")" = "$(stat -L -c %d:%i "/proc/$$/fd/2")" ]
}

# What the guest is to know
job()
{
	first_script "$1" >first
	echo "$parameters" >parameters
	echo "$root" >root
	if [ -n "$root" ]; then
		echo 0 | tee uid gid >groups
	else
		id -u >uid
		id -g >gid
		id -G | tr ' ' , >groups
	fi
	if same && [ -t 1 ]; then
		stty size <&2 | sed 's/\(.*\) \(.*\)/rows \1 columns \2/' >terminal
	elif same; then
		: >one
	fi
}

# Who ends us ends all that we have begun
end()
{
	trap '' HUP INT PIPE TERM
	if [ -n "$machine" ]; then
		kill -s TERM -- "-$machine" 2>/dev/null || :
		wait "$machine" || :
	fi
	# shellcheck disable=SC2086
	[ -z "$cats" ] || kill $cats 2>/dev/null || :
	rm -rf "$temporary"
}

# What asks for a password is done before there is a session without a terminal
KERNEL=$kernel "$top/scripts/setup.sh" vm build || exit 125
"$top/scripts/kernel.sh" "$kernel" >/dev/null || exit 125

machine=
cats=
temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap end EXIT
mkdir "$temporary/job"
(cd "$temporary/job" && job "$1")
devices >"$temporary/devices"
mkfifo "$temporary/input" "$temporary/output" "$temporary/errors"

# The pipes last longer than a guest, which may have to be booted again; qemu would make the caller's own ends nonblocking
if [ -t 0 ]; then exec 3</dev/null; else exec 3<&0; fi
exec 5<>"$temporary/output" 6<>"$temporary/errors"
{ cat "$temporary/output" || kill -PIPE $$; } 5>&- 6>&- &
cats=$!
{ cat "$temporary/errors" >&2 || kill -PIPE $$; } 5>&- 6>&- &
cats="$cats $!"
cat <&3 5>&- 6>&- >"$temporary/input" &
input=$!
setsid "$top/scripts/vm.sh" -k "$kernel" -p 'modules userspace' -t "$limit" -m "$memory" -d "$temporary/devices" \
	run "$(cat "$top/scripts/guest-run.sh")" <"$temporary/input" 3<&- 5>&- 6>&- >/dev/null &
machine=$!
status=0
wait "$machine" || status=$?
machine=
exec 5>&- 6>&-
# shellcheck disable=SC2086
wait $cats
cats=$input
exit "$status"
