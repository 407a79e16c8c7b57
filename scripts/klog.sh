#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# klog.sh: look in a kernel's log for warnings, oopses, hangs, leaks and the reports of lockdep, KASAN, UBSAN and RCU
#
# usage: scripts/klog.sh LOG
#
# Prints each report with what follows it, and exits with 1, when there is any.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 1 "$@"
[ -r "$1" ] || die "$1: no such log"

tr -d '\r' <"$1" | awk -v lines=45 '
	/BUG[: ]|WARNING:|Oops|Kernel panic|general protection fault|Unable to handle|Call Trace:|cut here/ ||
	/UBSAN|KASAN|KCSAN:|ODEBUG:|refcount_t:|list_(add|del) corruption|usercopy:|DEBUG_LOCKS_WARN_ON/ ||
	/INFO: |rcu:.*(stall|starved)|soft lockup|hard LOCKUP|nobody cared|Tasks state|Out of memory/ ||
	/possible .* detected|inconsistent lock state|suspicious RCU|sleeping function|scheduling while atomic/ ||
	/sysfs: cannot create duplicate|debugfs: .*already present|proc_dir_entry|Slab corruption|Poison overwritten/ {
		if (!benign($0)) {
			found = 1
			left = lines
		}
	}
	left > 0 { print; left-- }
	# What a kernel says of itself at boot
	function benign(line) {
		return line ~ /INFO: (NMI handler|lockdep is turned off|task .* blocked for less)/ ||
			line ~ /kasan: KernelAddressSanitizer|Kernel panic .*on (oops|warn)|BIOS BUG|tsc: .*WARNING/
	}
	END { exit found }'
