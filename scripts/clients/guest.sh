#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016
# guest.sh: other people's programs, each with what a person expects of it on /dev/iodemo
#
# usage: guest.sh [PROGRAM...]
#
# Runs in the guest of clients.sh, whose root is a Debian with these programs, as root; the device has no timer. A line
# for each case, of fields between tabs: ok or not ok, program, its version, what is expected, the command, and the reason
# where the program can't work on such a file. After "not ok" come lines of what went wrong, each with "# ".
#
# A case's command finds in $file what it works on. What it prints must be, byte for byte, what another reader of the
# device got, or what expect= makes of that. A command which is not expected to work must fail the same way on a FIFO,
# or on what twin= names; then it is not for the device to mend. Where one fails that should not, it is told whether it
# works on a FIFO.

export clients="${0%/*}"
wanted=" $* "
patience=120
stats=/sys/kernel/debug/iodemo/iodemo/stats
driver=/sys/bus/platform/drivers/iodemo
place=/tmp/clients

stat()
{
	sed -n "s/^$1 //p" $stats
}

# until CONDITION...: it comes true by what the command does, or the command ends first
until_true()
{
	until "$@"; do
		kill -0 "$process" 2>/dev/null || return
		sleep 0.02
	done
}

is_open()
{
	[ "$(stat open_files)" -gt "$others" ]
}

is_queued()
{
	[ "$(stat tx_queued)" -gt 0 ]
}

has_said()
{
	grep -q "$1" output errors
}

is_over()
{
	! kill -0 "$process" 2>/dev/null
}

# The device -----------------------------------------------------------------

device_begin()
{
	file=/dev/iodemo
	iodemo-ctl set period=0 burst=1
	iodemo-ctl flush
	exec 3<$file
	others=$(stat open_files)
}

# All that happens is read by a witness too
device_fire()
{
	before=$(stat records)
	iodemo-ctl trigger "$1"
	head -n $(($(stat records) - before)) <&3 >>made
}

device_wait()
{
	case $1 in
	opened) until_true is_open ;;
	queued) until_true is_queued ;;
	esac
}

# Until all that is written has come back
device_drain()
{
	until is_over && ! is_queued; do
		device_fire 16
	done
	sed -n 's/.*cpu[0-9]* echo //p' made >echoes
	seq "$sent" | cmp echoes -
}

device_live()
{
	iodemo-ctl set period=50000
}

device_unplug()
{
	echo iodemo.0 >$driver/unbind
}

device_end()
{
	exec 3<&-
	[ -e /dev/iodemo ] || echo iodemo.0 >$driver/bind
}

# A FIFO with somebody at the other end, and lines as the device makes them ---

fifo_begin()
{
	file=$place/fifo
	mkfifo $file
	exec 3<>$file
	seq=0
}

lines()
{
	awk -v from="$1" -v count="$2" 'BEGIN {
		letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		for (seq = from; seq < from + count; seq++)
			printf "%d 1.%09d cpu0 sample %s\n", seq, seq, substr(letters letters, seq % 62 + 1, 40)
	}'
}

fifo_fire()
{
	lines "$seq" "$1" | tee -a made >&3
	seq=$((seq + $1))
}

# It has what it is to have before it is opened
fifo_wait()
{
	:
}

fifo_drain()
{
	head -n "$sent" <&3 >echoes
	seq "$sent" | cmp echoes -
}

fifo_live()
{
	(while sleep 0.05; do lines 0 1; done >&3) &
	feeder=$!
}

fifo_unplug()
{
	exec 3<&-
}

fifo_end()
{
	exec 3<&-
	[ -z "$feeder" ] || kill "$feeder"
	feeder=
}

# Another file, with nothing to fire -------------------------------------------

other_begin()
{
	file=$twin
}

other_fire() { :; }
other_wait() { :; }
other_drain() { :; }
other_live() { :; }
other_unplug() { :; }
other_end() { :; }

# Whatever it is -----------------------------------------------------------------

wait_for()
{
	case $1 in
	end) until_true is_over ;;
	waits) until_true has_said waits ;;
	says:*) until_true has_said "${1#says:}" ;;
	*) "$2_wait" "$1" ;;
	esac
}

# Whether the samples of $1 are what the device makes, one after the other
whole()
{
	awk 'BEGIN { letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" }
		NR > 1 && $1 != last + 1 { print "line " NR ": " $1 " comes after " last; exit }
		{ last = $1 }
		$4 == "sample" && $5 != substr(letters letters, $1 % 62 + 1, 40) { print "line " NR ": " $0; exit }' "$1"
}

# attempt device|fifo|other: prints what was wrong
attempt()
{
	rm -rf $place
	mkdir $place
	cd $place || exit
	: >made
	"$1_begin"
	export file
	[ -z "$live" ] || "$1_live"
	timeout -k 1 -s KILL $patience $shell -c "$command" </dev/null >output 2>errors 3<&- &
	process=$!
	wait_for "$when" "$1"
	[ "$fire" -eq 0 ] || "$1_fire" "$fire"
	[ "$sent" -eq 0 ] || "$1_drain"
	[ -z "$unplug" ] || "$1_unplug"
	wait "$process"
	found=$?
	[ "$found" -eq "$status" ] || echo "status $found instead of $status"
	if [ -n "$says" ]; then
		grep -q -- "$says" errors output || echo "nothing said of '$says'"
	elif [ -n "$live" ]; then
		[ "$(wc -l <output)" -eq "$live" ] || echo "$(wc -l <output) lines instead of $live"
		whole output
	else
		whole made
		sh -c "$expect" <made >expected
		cmp output expected
	fi
	[ -z "$echo" ] || [ "$1" = fifo ] || grep -q "cpu[0-9]* echo $echo\$" made || echo "no echo of '$echo'"
	"$1_end"
}

# client PROGRAM [PACKAGE]: whose cases follow. Go's programs come from the host, ready.
client()
{
	program=$1
	if [ "$1" = go ]; then
		version=$(grep -a -o 'go1\.[0-9.]*' "$(command -v netpoller)" | sed 's/^go//; q')
		return
	fi
	version=$(dpkg-query -W -f '${Version}\n' "${2:-$1}" 2>/dev/null | sed 's/^[0-9]*://; s/[-+~][^-]*$//; q')
}

tell()
{
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$program" "$version" "$what" "$command" "$why"
}

# try WHAT COMMAND [NAME=VALUE...]
#   fire=N       events to make; live=N: they come by themselves, and the command prints N of them
#   when=WHAT    what comes before them: opened (the command has the file open), queued (it has written), waits (it has
#                said so), says:PATTERN, end
#   unplug=1     then take the device away: files come to their end
#   expect=      what makes the output of what a witness has read (default: the same)
#   says=        what the command says instead
#   status=      its exit status (default: 0)
#   echo=        what it has sent comes back; sent=N: so do N lines, 1 to N, more than the device takes at once
#   why=         it can't work, and the reason; twin=FILE: nor does it there (default: a FIFO)
try()
{
	what=$1 command=$2 fire=0 live='' when=opened unplug='' expect=cat says='' status=0 echo='' sent=0 why='' twin='' shell=sh
	shift 2
	for word; do
		eval "${word%%=*}=\${word#*=}"
	done
	case "$wanted" in
	'  ' | *" $program "*) ;;
	*) return ;;
	esac
	wrong=$(attempt device 2>&1)
	if [ -z "$wrong" ] && [ -n "$why" ]; then
		wrong=$(attempt "$([ -n "$twin" ] && echo other || echo fifo)" 2>&1)
		[ -z "$wrong" ] || wrong="elsewhere it is another thing: $wrong"
	fi
	if [ -z "$wrong" ]; then
		tell ok
		return
	fi
	tell 'not ok'
	{
		echo "$wrong"
		head -n 5 $place/output
		head -n 20 $place/errors
		echo "on a FIFO: $([ -n "$why" ] || attempt fifo 2>&1)"
	} | sed 's/^/# /'
}

. "$clients/cases.sh"
