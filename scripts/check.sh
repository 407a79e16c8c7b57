#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check.sh: run the selftests in the virtual machine, and count
#
# usage: [KERNEL=6.1] [TESTS="poll signal"] [TIMEOUT=1200] scripts/check.sh
#
# KTAP goes to the terminal and to build/check-KERNEL.tap. The last line is "N passed, N failed, N skipped", of test
# cases; a report in the kernel's log, or a machine that hangs, is one failed. The status is 0 when nothing failed.
# TESTS selects programs by name; TIMEOUT is for the whole machine, in seconds.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 0 "$@"

kernel=${KERNEL:-6.1}
case $kernel in
debug) limit=${TIMEOUT:-3000} ;;
*) limit=${TIMEOUT:-1200} ;;
esac
"$top/scripts/setup.sh" vm
folder=$("$top/scripts/kernel.sh" "$kernel")
build=$(build_folder "$kernel" "$folder")
tap=$top/build/check-${build##*/}.tap

# In the guest: the kernel's own runner, told which programs
# shellcheck disable=SC2016
command='cd /opt/kselftest || exit 1
set --
for test in '${TESTS-}'; do
	found=$(grep -E "^iodemo:$test(\.sh)?\$" kselftest-list.txt) ||
		{ echo "Bail out! TESTS: no test program $test; there are:" $(cut -d : -f 2 kselftest-list.txt); exit 2; }
	set -- "$@" -t "$found"
done
./run_kselftest.sh "$@"'

mkdir -p "$build"
raw=$(mktemp "$build/check.XXXXXX")
trap 'rm -f "$raw" "$raw".*' EXIT
trap 'exit 130' INT TERM
{
	status=0
	"$top/scripts/vm.sh" -k "$kernel" -t "$limit" run "$command" || status=$?
	echo "$status" >"$raw.status"
} | tee "$raw"

status=$(cat "$raw.status")
case $status in
0) also='' ;;
99) also="the guest's kernel reported what stands above and in $build/log" ;;
124) also="the machine was still running after $limit s" ;;
125) also='the machine ended before the tests did' ;;
*) also="the run in the machine ended with status $status" ;;
esac

{
	[ "$status" -ne 99 ] || sed 's/^/# /' "$build/reports"
	[ -z "$also" ] || echo "# failed: $also"
	awk -v also="${also:+1}" -f "$top/scripts/ktap.awk" "$raw" && : >"$raw.passed"
} >"$raw.verdict" || :
cat "$raw" "$raw.verdict" >"$tap"
[ "$status" -ne 99 ] || echo "# the guest's kernel log: $build/log"
echo "# KTAP: $tap"
grep -v '^# \[' "$raw.verdict"
[ -e "$raw.passed" ]
