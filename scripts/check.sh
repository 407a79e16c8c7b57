#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check.sh: run the selftests in the virtual machine, and count
#
# usage: [KERNEL=6.1] [BITS=32] [TESTS="multiplexing signal"] [EXCEPT=faults] [WITH="bpftrace"] [DEVICE=edu]
#        [TIMEOUT=1200] scripts/check.sh
#
# KTAP goes to the terminal and to build/check-KERNEL.tap (check-KERNEL-DEVICE.tap), and the same as JUnit's XML, for CI
# services, to build/check-KERNEL.xml. The last line is "N passed, N failed, N skipped", of test cases; a report in the
# kernel's log, or a machine that hangs, is one failed. The status is 0 when nothing failed. TESTS selects programs, and
# EXCEPT takes some out, by name, which is looked at first; WITH names programs that the machine is to have besides (vm.sh -w); TIMEOUT is for a
# machine, in seconds. AFTER is a command for each machine when its programs are done, and what that leaves in /report
# comes to the folder REPORT, in one of its own for each.
#
# DEVICE names another source than the timer: the programs that selftests/devices lists for it (or those of TESTS) run on
# /dev/iodemo-DEVICE.
#
# There is one machine for all programs but those in selftests/boots, and one more for each command line that these ask
# for; its log is build/KERNEL/log.WORDS. A guest that died before the tests, and was booted again, is a comment.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 0 "$@"

kernel=${KERNEL:-6.1}
device=${DEVICE-}
if watches "$kernel"; then
	limit=${TIMEOUT:-3000}
else
	limit=${TIMEOUT:-1200}
fi

# Of selftests/boots, "program words"
table=$(sed '/^#/d; /^[[:space:]]*$/d; s/:[[:space:]]*/ /' "$top/selftests/boots")
listed=$(echo "$table" | cut -d ' ' -f 1 | sort -u)

# All that there are, as the Makefile there lists them
all=$(sed -n 's/^TEST_\(GEN_\)\{0,1\}PROGS [:+]= //p' "$top/selftests/Makefile")

# find_program NAME: as it is called in the guest, or nothing
find_program()
{
	for program in $all; do
		[ "${program%.sh}" != "${1%.sh}" ] || echo "$program"
	done
}

check_table()
{
	while read -r program words; do
		[ -n "$program" ] || continue
		[ -n "$(find_program "$program")" ] || die "selftests/boots names a program that there isn't: $program"
		[ -n "$words" ] || die "selftests/boots: $program asks for no words"
	done
}

check_tests()
{
	for test; do
		# shellcheck disable=SC2086
		[ -n "$(find_program "$test")" ] || die "TESTS: no test program $test; there are:" $all
	done
}

# programs WORDS: of TESTS, those that run with these, or that are not listed
programs()
{
	for test in ${TESTS:-$listed}; do
		program=$(find_program "$test")
		if [ -n "$1" ]; then
			echo "$table" | grep -qxF "${program%.sh} $1" || continue
		else
			! echo "$listed" | grep -qxF "${program%.sh}" || continue
		fi
		printf '%s ' "$program"
	done
}

# In the guest: the kernel's own runner, told which programs; without any, those that are not listed
guest_command()
{
	printf "tests='%s'\nlisted='%s'\n" "$1" "$(echo "$listed" | paste -s -d '|' -)"
	[ -z "$device" ] || printf "export IODEMO_NODE=/dev/iodemo-%s IODEMO_MODULE=iodemo-%s\n" "$device" "$device"
	cat <<-'END'
		cd /opt/kselftest || exit 1
		set --
		for test in ${tests:-$(cut -d : -f 2 kselftest-list.txt | grep -vxE "($listed)(\.sh)?")}; do
			set -- "$@" -t "iodemo:$test"
		done
		./run_kselftest.sh "$@"
	END
	printf '%s\n' "status=\$?" "${AFTER-}" "exit \$status"
}

# tell TEXT: a comment, on the terminal and in the KTAP
tell()
{
	echo "# $1" | tee -a "$raw"
}

# boot WORDS PROGRAMS: run them in a machine of their own, and tell what they cannot
boot()
{
	log=log${1:+.$(echo "$1" | tr ' /' '+_')}
	[ -z "$1" ] || tell "booted with $1"
	status=0
	rm -f "$raw.output"
	"$top/scripts/vm.sh" -k "$kernel" -c -t "$limit" -a "$1" -l "$log" -w "${WITH-}" -o "$raw.output" \
		${REPORT:+-r "$REPORT/$log"} run "$(guest_command "$2")" || status=$?
	if [ -e "$raw.output" ]; then
		grep '^# the guest died' "$raw.output" || :
		awk 1 "$raw.output" >>"$raw"
	fi
	others=$("$top/scripts/klog.sh" --others "$build/$log" 2>/dev/null | awk '{ races += $1 } END { print races + 0 }')
	[ "$others" -eq 0 ] ||
		tell "$others data races were reported in which iodemo has no part: scripts/klog.sh --others $build/$log"
	[ "$status" -ne 99 ] || sed 's/^/# /' "$build/reports" >>"$raw"
	case $status in
	0) return ;;
	99) failure="the guest's kernel reported what stands above and in $build/$log" ;;
	124) failure="the machine was still running after $limit s" ;;
	125) failure='the machine ended before the tests did' ;;
	*) failure="the run in the machine ended with status $status" ;;
	esac
	tell "failed: machine: $failure${1:+ (booted with $1)}"
}

if [ -n "$device" ]; then
	known=$(sed -n "s/^$device: *//p" "$top/selftests/devices" | paste -s -d ' ' -)
	[ -n "$known" ] || die "DEVICE=$device: not one of selftests/devices"
	: "${TESTS:=$known}"
fi
echo "$table" | check_table
# shellcheck disable=SC2086
check_tests ${TESTS-} ${EXCEPT-}
if [ -n "${EXCEPT-}" ]; then
	# shellcheck disable=SC2086
	TESTS=$(printf '%s\n' ${TESTS:-$all} | sed 's/\.sh$//' | grep -vxF "$(printf '%s\n' $EXCEPT)")
fi
"$top/scripts/setup.sh" vm
folder=$("$top/scripts/kernel.sh" "$kernel")
build=$(build_folder "$kernel" "$folder")
tap=$top/build/check-${build##*/}${device:+-$device}.tap
mkdir -p "$build"
raw=$(mktemp "$build/check.XXXXXX")
trap 'rm -f "$raw" "$raw".*' EXIT

chosen=$(programs '')
if [ -z "${TESTS-}" ] || [ -n "$chosen" ]; then
	boot '' "$chosen"
fi
echo "$table" | sed 's/^[^ ]* *//' | awk 'NF && !seen[$0]++' >"$raw.words"
while IFS= read -r words <&3; do
	chosen=$(programs "$words")
	[ -z "$chosen" ] || boot "$words" "$chosen"
done 3<"$raw.words"

awk -f "$top/scripts/ktap.awk" -f "$top/scripts/count.awk" "$raw" >"$raw.verdict" && : >"$raw.passed"
cat "$raw" "$raw.verdict" >"$tap"
"$top/scripts/junit.sh" "$tap" >"${tap%.tap}.xml"
echo "# KTAP: $tap; JUnit: ${tap%.tap}.xml"
cat "$raw.verdict"
[ -e "$raw.passed" ]
