#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# bpftrace.sh: bpftrace finds the tracepoints as they are, and counts by them what a program did
#
# Skips where there is no bpftrace. The project's own "make check" takes it along with WITH=bpftrace.

events=/sys/kernel/tracing/events/iodemo
output=$(mktemp)
failed=0

skip()
{
	echo "1..0 # SKIP $*"
	exit 4
}

# case_of NUMBER FUNCTION: what it left in $output is shown when it failed
case_of()
{
	if "$2" >"$output" 2>&1; then
		echo "ok $1 $2"
	else
		sed 's/^/# /' "$output"
		echo "not ok $1 $2"
		failed=1
	fi
}

lists_every_event()
{
	listed=$(bpftrace -l 'tracepoint:iodemo:*' | sed 's/.*://' | sort | tr '\n' ' ')
	there=$(find "$events" -name 'iodemo_*' | sed 's|.*/||' | sort | tr '\n' ' ')
	echo "listed: $listed"
	echo "there:  $there"
	[ -n "$there" ] && [ "$listed" = "$there" ]
}

# dd counts too
counts_what_a_program_read()
{
	counted=$(bpftrace -e 'tracepoint:iodemo:iodemo_read_end /comm == "dd"/ { @reads = count(); @bytes = sum(args->ret); }' \
		-c "$(command -v dd) if=/dev/iodemo of=/dev/null bs=256 count=5" 2>&1)
	echo "$counted"
	bytes=$(echo "$counted" | sed -n 's/^\([0-9]*\) bytes.*/\1/p')
	echo "$counted" | grep -qx '@reads: 5' && echo "$counted" | grep -qx "@bytes: $bytes"
}

trap 'rm -f "$output"; modprobe -q -r iodemo' EXIT
echo 'TAP version 13'
command -v bpftrace >/dev/null || skip 'no bpftrace here'
modprobe iodemo period_us=1000 || skip 'no iodemo.ko for this kernel'
[ -d "$events" ] || skip 'this kernel has no tracepoints'
[ -e /sys/kernel/btf/vmlinux ] || skip 'this kernel has no BTF, by which bpftrace knows it'
echo '1..2'
case_of 1 lists_every_event
case_of 2 counts_what_a_program_read
exit $failed
