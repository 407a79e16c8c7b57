#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# klog.sh: look in a kernel's log for warnings, oopses, hangs, leaks and the reports of lockdep, KASAN, UBSAN, KCSAN and
# RCU
#
# usage: scripts/klog.sh LOG
#        scripts/klog.sh --others LOG
#
# Prints each report with what follows it, and exits with 1, when there is any. KCSAN in its strict form reports races of
# the kernel's own everywhere; only those count of which one access is ours: the function that made it is of iodemo, or of
# those of the kernel that copy, compare and link what they are given, and called by iodemo. That iodemo stands further
# down makes it none of ours: an interrupt comes anywhere, and what a timer or a queue is made of is the kernel's. --others
# prints what races the others are, and how often.
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
	# A driver that belongs in a folder for which there was none is put into /sys itself, stays, and is in the way
	demanded && /sysfs: cannot create duplicate filename .\/\/platform:iodemo./ { told = 1; next }
	# And it warns of its own: what a warning is of is known when its trace has ended
	demanded && /cut here/ { close_warning(); warning = $0; next }
	warning {
		warning = warning "\n" $0
		if (/end trace/)
			close_warning()
		next
	}
	reports($0) {
		found = 1
		left = lines
	}
	left > 0 { print; left-- }
	function reports(line) {
		if (benign(line))
			return 0
		return line ~ /BUG[: ]|WARNING:|Oops|Kernel panic|general protection fault|Unable to handle|Call Trace:|cut here/ ||
			line ~ /UBSAN|KASAN|KCSAN:|ODEBUG:|refcount_t:|list_(add|del) corruption|usercopy:|DEBUG_LOCKS_WARN_ON/ ||
			line ~ /INFO: |rcu:.*(stall|starved)|soft lockup|hard LOCKUP|nobody cared|Tasks state|Out of memory/ ||
			line ~ /possible .* detected|inconsistent lock state|suspicious RCU|sleeping function|scheduling while atomic/ ||
			line ~ /sysfs: cannot create duplicate|debugfs: .*already present|proc_dir_entry|Slab corruption/ ||
			line ~ /Poison overwritten|pagealloc: .*(error|corruption)/
	}
	# What a kernel says of itself at boot
	function benign(line) {
		if (told && line ~ /Call Trace:/) {
			told = 0
			return 1
		}
		return line ~ /INFO: (NMI handler|lockdep is turned off|task .* blocked for less)/ ||
			line ~ /kasan: KernelAddressSanitizer|Kernel panic .*on (oops|warn)|BIOS BUG|tsc: .*WARNING/
	}
	function close_warning() {
		if (warning && !is_kernels_own(warning)) {
			found = 1
			print warning
		}
		warning = ""
	}
	# Is it one of those that are known, by where it was given and who called that, and is nothing else in it?
	function is_kernels_own(text, line, i, n, where, caller) {
		n = split(text, line, "\n")
		for (i = 2; i <= n; i++) {
			sub(/^\[ *[0-9.]*\] */, "", line[i])
			if (line[i] ~ /^WARNING: /) {
				if (where)
					return 0
				where = line[i]
				sub(/.* /, "", where)
				sub(/\+.*/, "", where)
			} else if (line[i] !~ /^Call Trace:/ && reports(line[i])) {
				return 0
			} else if (line[i] ~ /^[A-Za-z0-9_.]+\+0x[0-9a-f]+\/0x[0-9a-f]+( |$)/ && !caller) {
				caller = line[i]
				sub(/\+[^ ]*/, "", caller)
			}
		}
		# A file of /proc/irq for which there was none is missed when the line goes
		return where " " caller == "remove_proc_entry unregister_irq_proc" ||
			# An event of ours whose fields have none is left out, and not ours to put right
			where " " caller == "event_define_fields event_create_dir"
	}
	# A stack begins below the line that tells of its access, with who made that
	function is_ours(race, line, n, i, looks) {
		n = split(race, line, "\n")
		for (i = 1; i <= n; i++) {
			sub(/^\[ *[0-9.]*\] ?/, "", line[i])
			if (line[i] ~ /(read|write).* to 0x.* bytes by /) {
				looks = 1
			} else if (looks && line[i] !~ /^ _*(mem|str|copy|list_|kfifo_)[a-z_]*\+0x/) {
				if (line[i] ~ /\[iodemo/)
					return 1
				looks = 0
			}
		}
		return 0
	}
	function close_race(title) {
		if (inside && is_ours(race) != (others != "")) {
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
		close_warning()
		exit others ? 0 : found
	}'
}

if [ -n "$others" ]; then
	look "$1" | sort | uniq -c | sort -rn
else
	look "$1"
fi
