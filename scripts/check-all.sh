#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check-all.sh: run the selftests on every kernel that we claim, and make one table of it
#
# usage: [ONLY="6.1 debug"] scripts/check-all.sh
#        scripts/check-all.sh --table       the table of the last runs
#        scripts/check-all.sh --update      puts that into README.md
#
# ONLY names some of the runs, which are:
#   6.1 6.12 newest         Debian's kernels; the newest is built from its source where its compiler is missing
#   6.1-rt                  Debian's with PREEMPT_RT
#   debug kcsan             built here, with what watches a driver at work, and what finds data races
#   small-6.1-clang small-6.12-clang small-newest-clang      built here by clang, and so is the module
#   6.1-32 newest-32        programs of 32 bits
#   6.1-arm64               Debian's for arm64, on an emulated processor
#
# Each run's KTAP is kept in build/check-all, so a run that is done again replaces its column. The last line is "N passed,
# N failed, N skipped", of all runs of this call; a run that did not end is one failed. The status is 0 when nothing
# failed.
set -eu
. "$(dirname "$0")/lib.sh"

all='6.1 6.12 newest 6.1-rt debug kcsan small-6.1-clang small-6.12-clang small-newest-clang 6.1-32 newest-32 6.1-arm64'
results=$top/build/check-all
page=$top/README.md
begin='<!-- The runs of all kernels: scripts/check-all.sh --update -->'
end='<!-- End of the runs -->'

table()
{
	set --
	for run in $all; do
		[ ! -e "$results/$run.tap" ] || set -- "$@" "$results/$run.tap"
	done
	[ $# -gt 0 ] || die "no run is done yet"
	awk -f "$top/scripts/ktap.awk" -f "$top/scripts/matrix.awk" "$@"
}

update()
{
	for line in "$begin" "$end"; do
		grep -qxF "$line" "$page" || die "$page: lacks the line $line"
	done
	table >"$results/table.md"
	awk -v begin="$begin" -v end="$end" -v table="$results/table.md" '
		$0 == end { inside = 0 }
		!inside { print }
		$0 == begin {
			inside = 1
			print ""
			while ((getline line <table) > 0)
				print line
			print ""
		}' "$page" >"$page.new"
	mv "$page.new" "$page"
}

# run NAME: as one kernel's; behind it stands "-32" for programs of 32 bits, or another architecture
run()
{
	kernel=$1 BITS=64 IODEMO_ARCH=$native target=$native
	case $1 in
	*-32) kernel=${1%-32} BITS=32 target=i386 ;;
	*-arm64) kernel=${1%-arm64} IODEMO_ARCH=arm64 target=arm64 ;;
	esac
	export BITS IODEMO_ARCH
	build=$(build_folder "$kernel" '')
	tap=$top/build/check-${build##*/}.tap
	rm -f "$tap" "$results/$1.tap"
	KERNEL=$kernel "$top/scripts/check.sh" || status=1
	[ -e "$tap" ] || return 0
	# One that could not be built has no modules
	release=$(cd "$build/root" 2>/dev/null && find lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null) || :
	{ echo "# kernel: $1 ${release:-unknown}"; cat "$tap"; } >"$results/$1.tap"
}

# The last line of a run's KTAP, or one failure
counts()
{
	counted=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$results/$1.tap" 2>/dev/null |
		tail -n 1)
	echo "${counted:-0 1 0}"
}

case $# in
0) ;;
1)
	case $1 in
	--table) table ;;
	--update) update ;;
	-h | --help) usage ;;
	*) usage 2 >&2 ;;
	esac
	exit
	;;
*) usage 2 >&2 ;;
esac

chosen=${ONLY:-$all}
for name in $chosen; do
	case " $all " in
	*" $name "*) ;;
	*) die "ONLY: no run $name; there are: $all" ;;
	esac
done

mkdir -p "$results"
status=0
for name in $chosen; do
	printf '\n=== %s\n' "$name"
	run "$name"
done
echo
table
for name in $chosen; do
	counts "$name"
done | awk '{ passed += $1; failed += $2; skipped += $3 }
	END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 }' || status=1
exit "$status"
