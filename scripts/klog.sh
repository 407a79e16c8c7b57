#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# klog.sh: look in a kernel's log for warnings, oopses, hangs, leaks and the reports of lockdep, KASAN, UBSAN, KCSAN and
# RCU
#
# usage: scripts/klog.sh LOG
#        scripts/klog.sh --others LOG
#
# Prints each report with what follows it, and exits with 1, when there is any. KCSAN in its strict form reports races of
# the kernel's own everywhere; only those count in which a function of ours is on one of the stacks. --others prints what
# races the others are, and how often.
set -eu
. "$(dirname "$0")/lib.sh"

others=
if [ "${1-}" = --others ]; then
	others=yes
	shift
fi
arguments 1 "$@"
[ -r "$1" ] || die "$1: no such log"

look()
{
	# A race ends with a line of "="; meanwhile another processor can have something to report
	tr -d '\r' <"$1" | awk -v lines=45 -v others="$others" '
	/BUG: KCSAN:/ { close_race(); race = $0; inside = 1; next }
	inside {
		race = race "\n" $0
		if (/=================/)
			close_race()
	}
	others { next }
	# Where a test lets memory fail, the kernel tells so, and by whose call
	/iodemo-test: memory fails on demand/ { demanded = 1 }
	/iodemo-test: memory fails no more/ { demanded = 0 }
	demanded && /vmalloc error: |page allocation failure/ { told = 1 }
	# A file of /proc/irq for which there was none is missed when the line goes
	demanded && /WARNING: .* remove_proc_entry/ { told = 1; next }
	demanded && /cut here/ { next }
	/BUG[: ]|WARNING:|Oops|Kernel panic|general protection fault|Unable to handle|Call Trace:|cut here/ ||
	/UBSAN|KASAN|KCSAN:|ODEBUG:|refcount_t:|list_(add|del) corruption|usercopy:|DEBUG_LOCKS_WARN_ON/ ||
	/INFO: |rcu:.*(stall|starved)|soft lockup|hard LOCKUP|nobody cared|Tasks state|Out of memory/ ||
	/possible .* detected|inconsistent lock state|suspicious RCU|sleeping function|scheduling while atomic/ ||
	/sysfs: cannot create duplicate|debugfs: .*already present|proc_dir_entry|Slab corruption|Poison overwritten|pagealloc: .*(error|corruption)/ {
		if (!benign($0)) {
			found = 1
			left = lines
		}
	}
	left > 0 { print; left-- }
	# What a kernel says of itself at boot
	function benign(line) {
		if (told && line ~ /Call Trace:/) {
			told = 0
			return 1
		}
		return line ~ /INFO: (NMI handler|lockdep is turned off|task .* blocked for less)/ ||
			line ~ /kasan: KernelAddressSanitizer|Kernel panic .*on (oops|warn)|BIOS BUG|tsc: .*WARNING/
	}
	function close_race(title) {
		if (inside && (race ~ /\[iodemo/) != (others != "")) {
			found = 1
			if (others) {
				title = race
				sub(/\n.*/, "", title)
				sub(/.*BUG: KCSAN: /, "", title)
				print title
			} else {
				print race
			}
		}
		inside = 0
	}
	END {
		close_race()
		exit others ? 0 : found
	}'
}

if [ -n "$others" ]; then
	look "$1" | sort | uniq -c | sort -rn
else
	look "$1"
fi
