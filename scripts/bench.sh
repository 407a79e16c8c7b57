#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# bench.sh: measure in the virtual machine what the device costs, draw it, and hold it against the kernel's budget
#
# usage: [KERNEL=6.1] [MEASURES="read waking"] [BUDGET=update] [REAL=1] [TIMEOUT=600] scripts/bench.sh
#
# What is counted are instructions, so a run says the same on every machine with the same QEMU. The figures are left in
# build/KERNEL/bench.json, curves in bench-growth.svg and bench-service.svg beside it. scripts/budget-KERNEL says what each
# figure may be; the last line is "N passed, N failed, N skipped", of those, and the status is 0 when none failed. It holds for the
# QEMU that counted it, since another one can count otherwise. BUDGET=update writes the budget anew instead. MEASURES
# selects groups and figures of iodemo-bench, TIMEOUT is for the machine, in seconds. REAL=1 measures time, with KVM if
# there is any, leaves bench-real.json and its curves, and has no budget.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 0 "$@"
case ${BUDGET-} in
'' | update) ;;
*) die "BUDGET=$BUDGET: can only be update" ;;
esac

kernel=${KERNEL:-6.1}
measures=${MEASURES-}
"$top/scripts/setup.sh" vm chart
folder=$("$top/scripts/kernel.sh" "$kernel")
build=$(build_folder "$kernel" "$folder")
if [ -z "${REAL-}" ]; then
	result=$build/bench
	machine=-i
	bench='iodemo-bench --instructions'
else
	result=$build/bench-real
	machine=
	bench=iodemo-bench
fi

# All of a series have one: 6.1.0-56 is a 6.1. A kernel of one's own has none.
series=$(echo "$kernel" | sed 's/^\([0-9]*\.[0-9]*\).*/\1/')
case $kernel in
*/*) budget= ;;
*) budget=$top/scripts/budget-$series ;;
esac
[ -n "$budget" ] || [ -z "${BUDGET-}" ] || die "a budget is for a kernel with a name, not for $kernel"

# A figure says nothing without the one that it is compared with
if [ -n "$measures" ] && [ -z "${REAL-}" ] && [ -e "$budget" ]; then
	measures="$measures $(sed '/^#/d' "$budget" | awk '{ print $2 }' | sort -u | tr '\n' ' ')"
fi

# The table and then, behind a line that is not shown, the figures come through the same port
mark='--- json'
command="modprobe iodemo || exit
$bench --reload --json /tmp/bench.json $measures
status=\$?
echo '$mark'
cat /tmp/bench.json
exit \$status"

split_output()
{
	while IFS= read -r line && [ "$line" != "$mark" ]; do
		printf '%s\n' "$line"
	done
	cat >"$raw"
}

mkdir -p "$build"
raw=$(mktemp "$build/bench.XXXXXX")
trap 'rm -f "$raw" "$raw".*' EXIT
{
	status=0
	"$top/scripts/vm.sh" $machine -k "$kernel" -p 'modules userspace' -t "${TIMEOUT:-600}" run "$command" || status=$?
	echo "$status" >"$raw.status"
} | split_output

status=$(cat "$raw.status")
[ "$status" -eq 0 ] || die "measuring ended with status $status"
cat "$raw" >"$result.json"
echo
echo "# figures: $result.json"
for group in growth service; do
	case ${MEASURES:-$group} in
	*"$group"*)
		"$top/scripts/chart.sh" "$group" "$result.json" "$result-$group.svg"
		printf '# %-8s %s\n' "$group:" "$result-$group.svg"
		;;
	esac
done
[ -z "${REAL-}" ] || exit 0

# check [OPTION]...: the budget against the figures
check()
{
	known=/dev/null
	[ ! -e "$budget" ] || known=$budget
	awk -v some="${MEASURES:+1}" "$@" -f "$top/scripts/budget.awk" "$known" "$result.json"
}

emulator=$(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9]*\.[0-9]*\).*/\1/p')
counted=$([ ! -e "$budget" ] || sed -n 's/^# Counted by QEMU //p' "$budget")
if [ -n "${BUDGET-}" ]; then
	check -v update=1 -v emulator="$emulator" >"$raw.budget"
	cat "$raw.budget" >"$budget"
	echo "# budget:  $budget"
elif [ -e "$budget" ] && [ "$counted" != "$emulator" ]; then
	echo "# $budget was counted by QEMU $counted, and this is $emulator: not checked"
	echo "0 passed, 0 failed, 1 skipped"
elif [ -e "$budget" ]; then
	check
else
	echo "# kernel $kernel has no budget${budget:+; make bench BUDGET=update writes one}"
	echo "0 passed, 0 failed, 1 skipped"
fi
