#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# figures-check.sh: compare the five figures with the recordings that they were drawn from
#
# usage: [KERNEL=6.1] scripts/figures-check.sh FOLDER
#
# FOLDER has MODEL.dat and MODEL.svg of the five models, as "make demo" leaves them in build/report. What "trace-cmd
# report" tells of the time that a figure shows must be in the figure, event by event, in the same order, and nothing
# else; sleeps and phases must begin and end with the events that begin and end them; and each figure must show what its
# model is about. Then iodemo-trace, as it was built for the guest's kernel, is given what is no recording. The last line
# is "N passed, N failed, N skipped", of cases.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"
. "$(dirname "$0")/figure.sh"

arguments 1 "$@"
folder=$1
"$top/scripts/setup.sh" trace-cmd

temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$temporary"' EXIT

# same WHAT EXPECTED FOUND: are these files?
same()
{
	if diff -u "$2" "$3" >"$temporary/difference"; then
		echo "ok $model: $1"
		passed=$((passed + 1))
	else
		echo "not ok $model: $1; - is the recording, + the figure"
		sed 1,2d "$temporary/difference" | head -n 20
		failed=$((failed + 1))
	fi
}

# "ns name" of all that the report tells of the task and of the device
report()
{
	trace-cmd report -N -t -i "$folder/$model.dat" 2>/dev/null | awk -v pid="$pid" '
	match($0, /-[0-9]+ +\[[0-9]+\] +[0-9]+\.[0-9]+: +/) {
		split(substr($0, RSTART + 1, RLENGTH), word, /[^0-9.]+/)
		rest = substr($0, RSTART + RLENGTH)
		ns = word[3]
		sub(/\./, "", ns)
		name = substr(rest, 1, index(rest, ":") - 1)
		mine = word[1] == pid
		taken = rest ~ "next_pid=" pid " "
		left = rest ~ "prev_pid=" pid " "

		if (name ~ /^sys_(enter|exit)_/) {
			if (!mine || name == "sys_exit_rt_sigreturn")
				next
			sub(/^sys_(enter|exit)_/, "", name)
		} else if (name == "sched_waking") {
			if (!asleep || rest !~ " pid=" pid " ")
				next
			asleep = 0
			woken = 1
		} else if (name == "sched_switch" && left) {
			if (rest ~ /prev_state=R/)
				next
			asleep = 1
		} else if (name == "sched_switch" && taken) {
			if (!woken)
				next
			woken = 0
		} else if (name == "iodemo_read_end") {
			if (!mine || rest !~ / ret=[1-9]/)
				next
		} else if (name ~ /^iodemo_(poll|aio_queue|uring_queue)$/) {
			if (!mine)
				next
		} else if (name == "signal_deliver") {
			if (!mine)
				next
		} else if (name !~ /^iodemo_/ || name == "iodemo_read_begin") {
			next
		}
		print substr("00000000000000000000" ns, length(ns) + 1), name
	}'
}

# Those of "ns name" that the figure shows
within()
{
	awk -v begin="$(printf '%020d' "$begin")" -v end="$(printf '%020d' "$end")" '$1 "" >= begin && $1 "" <= end'
}

sleeps()
{
	awk '$2 == "sched_switch" { from = $1 } $2 == "sched_waking" && from { print from, $1; from = "" }' "$temporary/within"
}

# phase CLASS: when it ends, in the figure
phase_end()
{
	sed -n "s/^<rect class=\"$1\" .* data-end=\"\([0-9]*\)\">.*/\1/p" "$figure"
}

# The data is there with the record, and has been copied with the read, or with the request
phases()
{
	awk -v wait="$(printf '%020d' "$(phase_end wait)")" -v copy="$(printf '%020d' "$(phase_end copy)")" '
	$1 "" == wait && $2 == "iodemo_store" { print "wait for data until iodemo_store" }
	$1 "" == copy && /read_end|_complete/ { print "copy until", $2 }' "$temporary/within"
}

for model in blocking nonblocking multiplexing signal async; do
	figure=$folder/$model.svg
	pid=$(attribute pid)
	begin=$(attribute begin)
	end=$(attribute end)
	[ -n "$pid" ] || die "$figure: no figure of iodemo-trace"
	report | within >"$temporary/within"
	events >"$temporary/drawn"
	[ -s "$temporary/drawn" ] || die "$figure: no event in it"
	same 'every event of the recording, in its order' "$temporary/within" "$temporary/drawn"
	sleeps >"$temporary/sleeps"
	states sleeps >"$temporary/drawn-sleeps"
	same 'sleeps last from the switch to the wake-up' "$temporary/sleeps" "$temporary/drawn-sleeps"
	printf 'wait for data until iodemo_store\ncopy until %s\n' \
		"$([ "$model" = async ] && echo iodemo_aio_complete || echo iodemo_read_end)" >"$temporary/phases"
	phases >"$temporary/drawn-phases"
	same 'the phases end with the events that end them' "$temporary/phases" "$temporary/drawn-phases"
	: >"$temporary/nothing"
	lesson >"$temporary/lesson"
	same 'what the model is about' "$temporary/nothing" "$temporary/lesson"
done

# refuses WORDS ARGUMENT...: iodemo-trace fails, with a message that has these words
refuses()
{
	printf '%s\n' "status 1" "$1" >"$temporary/expected"
	words=$1
	shift
	status=0
	"$build/tree/userspace/iodemo-trace" "$@" >"$temporary/output" 2>&1 || status=$?
	{
		echo "status $status"
		grep -oF -m 1 -e "$words" "$temporary/output" || cat "$temporary/output"
	} >"$temporary/found"
	same "iodemo-trace $*" "$temporary/expected" "$temporary/found"
}

kernel=${KERNEL:-6.1}
build=$(build_folder "$kernel" "$("$top/scripts/kernel.sh" "$kernel")")
model=refused
refuses '/nowhere/trace.dat: No such file or directory' -i /nowhere/trace.dat
refuses "no recording of trace-cmd's" -i "$top/README.md"
refuses "no recording of trace-cmd's" -i /dev/null
refuses 'it takes no --output and no command' -i "$folder/async.dat" -- true
refuses 'a command, or --input FILE, is missing' -t
refuses '/nowhere/a.svg: No such file or directory' -i "$folder/async.dat" -s /nowhere/a.svg

verdict
