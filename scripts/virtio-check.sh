#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016
# virtio-check.sh: see from outside of the machine that iodemo-virtio loses, reorders and invents nothing
#
# usage: [KERNEL=6.1] scripts/virtio-check.sh [CASES]
#
# CASES is some of "bytes shell" (default: all), a guest each. This machine holds the other end of the device, and sends
# and takes a megabyte in each case, with a ring of 16 records. The last line is "N passed, N failed, N skipped", of checks.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"

[ $# -le 1 ] || usage 2 >&2
case ${1-} in
-*) arguments 0 "$@" ;;
esac
cases=${1:-bytes shell}
kernel=${KERNEL:-6.1}
unset KERNEL
"$top/scripts/setup.sh" vm socat

temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
begun=
# shellcheck disable=SC2086
trap '[ -z "$begun" ] || kill $begun 2>/dev/null || :; rm -rf "$temporary"' EXIT
cases_said=$temporary/errors
: >"$cases_said"

# Numbers, which tell where in the stream they are, and a line by which their end is known
numbers()
{
	seq "$1" $(($1 + 149797))
	echo end
}

sum()
{
	sha256sum | cut -d ' ' -f 1
}

# take FILE: as much as the answer is, from the guest. QEMU drops what is not taken in time, so it is told of each part.
take()
{
	left=$(wc -c <"$temporary/answer")
	while [ "$left" -gt 0 ]; do
		part=$((left < 4000 ? left : 4000))
		head -c "$part" <&6
		left=$((left - part))
		[ "$part" -lt 4000 ] || printf '\0' >&5
	done >"$1"
}

# The consoles: one for us, and one with further ports, which is not
devices()
{
	cat <<-END
		[chardev "port"]
		  backend = "file"
		  path = "$temporary/said"
		  append = "on"
		[chardev "outside"]
		  backend = "socket"
		  path = "$temporary/outside"
		  server = "on"
		  wait = "off"
		[device "bus"]
		  driver = "virtio-serial-pci"
		  max_ports = "1"
		[device]
		  driver = "virtconsole"
		  bus = "bus.0"
		  chardev = "outside"
		[chardev "further"]
		  backend = "null"
		[device "further"]
		  driver = "virtio-serial-pci"
		[device]
		  driver = "virtserialport"
		  bus = "further.0"
		  chardev = "further"
		  name = "further"
	END
}

# In the guest. It says to this machine what to do (send, take), and what it has found: "found CASE WHAT".
guest_command()
{
	cat <<-'END'
		device=/dev/iodemo-virtio
		driver=/sys/bus/virtio/drivers/iodemo-virtio
		PATH=$PATH:/opt/kselftest/iodemo
		sum() { sha256sum | cut -d ' ' -f 1; }
		numbers() { seq "$1" $(($1 + 149797)); echo end; }
		# begin NAME [HOLD-AFTER]: a reader, which is there when this returns
		begin()
		{
			: >/tmp/$1.says
			outside receive $device $2 >/tmp/$1 2>/tmp/$1.says &
			eval "$1=$!"
			until grep -q reading /tmp/$1.says; do sleep 0.01; done
		}
		# held PID: it has stopped, and the ring is full
		held() { until grep -q '^State:.*T' /proc/$1/status; do sleep 0.01; done; }
		# in_flight NAME OFF ON: a reader gets the first part, and then the end; the next one gets the rest
		in_flight()
		{
			echo send
			begin first 64
			held $first
			eval "$2"
			kill -CONT $first
			wait $first
			eval "$3"
			outside receive $device >/tmp/second 2>/tmp/second.says
			echo "found $1 $(wc -c </tmp/first) $(sum </tmp/first) $(wc -c </tmp/second) $(sum </tmp/second)"
		}

		iodemo-virtio-load capacity=16 period_us=0
		echo "found nodes $(echo /dev/iodemo-virtio*)"

		echo send
		begin slow 256
		held $slow
		kill -CONT $slow
		wait $slow
		echo "found slow $(sum </tmp/slow)"

		echo take
		numbers 300000 | outside send $device

		begin both
		echo send
		echo take
		numbers 300000 | outside send $device
		wait $both
		echo "found both $(sum </tmp/both)"

		begin killed 1
		begin other
		echo send
		held $killed
		kill -9 $killed
		wait $other
		echo "found killed $(sum </tmp/other)"

		name=$(basename $(readlink /sys/class/misc/iodemo-virtio/device))
		in_flight unbound "echo $name >$driver/unbind" "echo $name >$driver/bind"
		in_flight unloaded "rmmod iodemo-virtio" "modprobe iodemo-virtio"

		# What wakes the machine is counted from before the alarm is set, so none that is early is missed
		sleep_once()
		{
			for seconds in 2 8 32 64; do
				count=$(cat /sys/power/wakeup_count)
				echo 0 >/sys/class/rtc/rtc0/wakealarm
				echo +$seconds >/sys/class/rtc/rtc0/wakealarm
				echo $count >/sys/power/wakeup_count && echo mem >/sys/power/state && return
			done
			return 1
		}
		if echo deep >/sys/power/mem_sleep && [ -w /sys/class/rtc/rtc0/wakealarm ]; then
			begin slept 64
			echo send
			held $slept
			sleep_once
			echo "found suspended $?"
			kill -CONT $slept
			wait $slept
			echo "found slept $(sum </tmp/slept)"
		fi

		modprobe -qa virtio_console
		[ -d /sys/bus/virtio/drivers/virtio_console ] &&
			echo "found further $(cat /sys/class/virtio-ports/*/name)"
		echo send
		echo "found last $(outside receive $device 2>/tmp/says | sum)"
		rmmod iodemo-virtio
		echo "found left $(grep -c iodemo_virtio /proc/modules) $(echo /dev/iodemo-virtio*)"
	END
}

# found CASE: what the guest has found
found()
{
	sed -n "s/^found $1 //p" "$temporary/log" | tail -n 1
}

# in_flight WHAT CASE: the first part and the rest are what they should be, and between them is no more than was posted
in_flight()
{
	# shellcheck disable=SC2046
	set -- "$1" $(found "$2") 0 - 0 -
	check "$1: what came before is the beginning" "$(head -c "$2" "$temporary/sent" | sum)" "$3"
	check "$1: what came after is the end" "$(tail -c "$4" "$temporary/sent" | sum)" "$5"
	missing=$(($(wc -c <"$temporary/sent") - $2 - $4))
	check "$1: no more is lost than 64 buffers hold" yes "$([ "$missing" -ge 0 ] && [ "$missing" -le 2560 ] && echo yes ||
		echo "$missing bytes")"
}

bytes()
{
	numbers 100000 >"$temporary/sent"
	numbers 300000 >"$temporary/answer"
	devices >"$temporary/devices"
	mkfifo "$temporary/said" "$temporary/to" "$temporary/from"
	exec 5<>"$temporary/to" 6<>"$temporary/from" 7<>"$temporary/said"
	{
		status=0
		"$top/scripts/vm.sh" -k "$kernel" -t 550 -a no_console_suspend -d "$temporary/devices" \
			run "$(guest_command)" </dev/null >&2 5>&- 6>&- || status=$?
		echo "ended $status" >&7
	} &
	begun=$!
	until [ -S "$temporary/outside" ] || ! kill -0 "$begun" 2>/dev/null; do
		sleep 0.2
	done
	socat - "UNIX-CONNECT:$temporary/outside" <&5 >&6 7>&- &
	begun="$begun $!"
	taken=0
	ended=
	while [ -z "$ended" ] && read -r word rest <&7; do
		case $word in
		send) cat "$temporary/sent" >&5 & ;;
		take)
			taken=$((taken + 1))
			take "$temporary/taken.$taken" &
			takers="${takers-} $!"
			;;
		ended) ended=$rest ;;
		*) echo "$word $rest" >>"$temporary/log" ;;
		esac
	done
	grep -v '^found' "$temporary/log" >>"$cases_said" || :
	sent=$(sum <"$temporary/sent")
	answer=$(sum <"$temporary/answer")
	check 'the guest ends well, and its kernel reports nothing' 0 "$ended"
	check 'a console with further ports is none of ours' /dev/iodemo-virtio "$(found nodes)"
	check 'a megabyte for a slow reader' "$sent" "$(found slow)"
	check 'a megabyte from a writer' "$answer" "$(sum <"$temporary/taken.1")"
	check 'a megabyte each way at once: what the guest gets' "$sent" "$(found both)"
	check 'a megabyte each way at once: what this machine gets' "$answer" "$(sum <"$temporary/taken.2")"
	check 'a reader is killed, and the other one gets all' "$sent" "$(found killed)"
	in_flight 'unbound and bound in flight' unbound
	in_flight 'unloaded and loaded in flight' unloaded
	if [ -n "$(found suspended)" ]; then
		check 'the machine sleeps in between' "0 $sent" "$(found suspended) $(found slept)"
	else
		skip 'the machine sleeps in between' 'this kernel has no suspend'
	fi
	if [ -n "$(found further)" ]; then
		check 'what was refused is for virtio_console' further "$(found further)"
	else
		skip 'what was refused is for virtio_console' 'this kernel has none'
	fi
	check 'and after all that, a megabyte' "$sent" "$(found last)"
	check 'nothing is left of the module' '0 /dev/iodemo-virtio*' "$(found left)"
	exec 5>&- 6>&- 7>&-
	# shellcheck disable=SC2086
	kill $begun ${takers-} 2>/dev/null || :
	begun=
}

# What make shell prints, typed as it says
shell()
{
	printf '%s\n' 'head -n 1 /dev/iodemo-virtio; echo answer >/dev/iodemo-virtio; sleep 1' |
		"$top/scripts/vm.sh" -k "$kernel" -p 'modules userspace' shell >"$temporary/shell" 2>>"$cases_said" &
	begun=$!
	until path=$(sed -n 's/.*socat - UNIX-CONNECT:\([^[:space:]]*\).*/\1/p' "$temporary/shell") && [ -n "$path" ]; do
		kill -0 "$begun" 2>/dev/null || break
		sleep 0.2
	done
	# Nothing more is to be said, and the answer is waited for all the same, till the machine ends
	echo hello | socat -t 550 - "UNIX-CONNECT:$path,shut-none" >"$temporary/heard" &
	begun="$begun $!"
	wait "${begun% *}" || :
	check 'make shell: what is typed outside is a record' 1 \
		"$(grep -c '^0 [0-9.]* cpu[01] received hello\\n' "$temporary/shell")"
	check 'make shell: what is written is seen outside' answer "$(cat "$temporary/heard")"
	# shellcheck disable=SC2086
	kill $begun 2>/dev/null || :
	begun=
}

for name in $cases; do
	case $name in
	bytes | shell) $name ;;
	*) die "$name: no such case; there are bytes and shell" ;;
	esac
done
verdict
