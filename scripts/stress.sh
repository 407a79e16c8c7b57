#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# stress.sh: do everything that can be done with the device, at random, in the virtual machine
#
# usage: [KERNEL=6.1] [MINUTES=10] [SEED=N] [UNBINDS=N] scripts/stress.sh stress
#        [KERNEL=debug] [CALLS=100000 | MINUTES=N] [SEED=N] scripts/stress.sh fuzz
#
# stress unbinds the devices, loads the module anew and kills the processes meanwhile; with UNBINDS it does that as fast
# as it goes, and ends when so many are done; fewer in MINUTES (then 60) is one failed. fuzz only makes the calls, and
# counts what each gave; one that never did well is one failed.
#
# SEED repeats the choices of a run that printed it, process by process; without, the clock gives one. What the run says
# goes to the terminal and to build/stress-KERNEL.tap or fuzz-KERNEL.tap. The last line is "N passed, N failed, N
# skipped": a case is a kind of operation, passed if nothing was wrong where it was done; a report in the kernel's log, or
# a machine that hangs, is one failed. The status is 0 when nothing failed.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 1 "$@"

# number NAME VALUE: what the environment has there, or nothing
number()
{
	case $2 in
	*[!0-9]* | 0?*) die "$1=$2: a number" ;;
	0) [ "$1" = SEED ] || die "$1=$2: a number from 1 on" ;;
	esac
}
number MINUTES "${MINUTES-}"
number SEED "${SEED-}"
number CALLS "${CALLS-}"
number UNBINDS "${UNBINDS-}"

# A machine that takes much longer than it is told to hangs; calls take what they take, the slowest 100 in a second
case $1 in
stress)
	kernel=${KERNEL:-6.1}
	minutes=${MINUTES:-${UNBINDS:+60}}
	: "${minutes:=10}"
	limit=$((minutes * 60 + 600))
	options="--minutes $minutes ${UNBINDS:+--unbinds $UNBINDS --processes 3}"
	# Or each unbinding would mostly wait for RCU's threads, beside so many others
	append=${UNBINDS:+rcupdate.rcu_expedited=1}
	;;
fuzz)
	kernel=${KERNEL:-debug}
	append=
	calls=${CALLS:-100000}
	if [ -n "${MINUTES-}" ]; then
		options="--minutes $MINUTES"
		limit=$((MINUTES * 60 + 600))
	else
		options="--calls $calls"
		limit=$((calls / 100 + 600))
	fi
	;;
*) usage 2 >&2 ;;
esac
program=$1
"$top/scripts/setup.sh" vm
folder=$("$top/scripts/kernel.sh" "$kernel")
build=$(build_folder "$kernel" "$folder")
tap=$top/build/$program-${build##*/}.tap

mkdir -p "$build"
raw=$(mktemp "$build/$program.XXXXXX")
trap 'rm -f "$raw" "$raw".*' EXIT
{
	status=0
	"$top/scripts/vm.sh" -k "$kernel" -p 'modules selftests' -t "$limit" -a "$append" \
		run "/opt/kselftest/iodemo/$program $options ${SEED:+--seed $SEED}" || status=$?
	echo "$status" >"$raw.status"
} | tee "$raw"

status=$(cat "$raw.status")
case $status in
0 | 1) also='' ;;
99) also="the guest's kernel reported what stands above and in $build/log" ;;
124) also="the machine was still running after $limit s" ;;
125) also='the machine ended before the test did' ;;
*) also="the run in the machine ended with status $status" ;;
esac

# Of a run that ended early there is no result
awk -v also="$also" '
	{ sub(/\r$/, "") }
	/^# seed / { seed = $3; sub(/,$/, "", seed) }
	/^1\.\./ { plan = substr($0, 4) + 0 }
	/^ok .*# SKIP/ { skipped++; next }
	/^ok / { passed++ }
	/^not ok / { failed++; print "# failed: " $0 }
	END {
		if (!also && (!plan || passed + failed + skipped != plan))
			also = "the test did not say how it ended"
		if (also) {
			failed++
			print "# failed: " also
		}
		if (failed)
			print "# again with the same choices: SEED=" seed
		printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed > 0
	}' "$raw" >"$raw.verdict" && : >"$raw.passed"
cat "$raw" "$raw.verdict" >"$tap"
cat "$raw.verdict"
[ -e "$raw.passed" ]
