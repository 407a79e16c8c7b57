# SPDX-License-Identifier: GPL-2.0-only
# budget.awk: hold the figures of iodemo-bench against a budget, or write it anew
#
# usage: awk [-v some=1] [-v update=1 -v emulator=VERSION] -f scripts/budget.awk BUDGET JSON
#
# some: not all was measured, so what is missing is no failure, nor if that has no budget; update: print a budget for these figures. Otherwise
# prints a line for each figure that is out of its budget, then "N passed, N failed, N skipped"; status 1 when any
# failed. The budget's head says what it holds.

BEGIN { tolerance = 2 }

# What a new figure is compared with: the plainest thing that does as much. What is "-" has no budget: what others cost
# is not ours to keep.
function rule(name) {
	if (name ~ /^wake-timerfd-|^memory-(eventfd|pipe)$/)
		return "-"
	if (name ~ /^wake-.*poll$/)
		return name ~ /epoll$/ ? "wake-timerfd-epoll" : "wake-timerfd-poll"
	# The edu device works in a thread of the host's, so these are not the same in each run
	if (name ~ /^transfer-/)
		return "-"
	if (name ~ /^wake-/)
		return "wake-timerfd-read"
	if (name ~ /memory/)
		return "memory-eventfd"
	if (name ~ /interrupt/ || name == "stats")
		return "getpid"
	if (name ~ /^(ring-read|epoll)-/)
		return "eventfd"
	if (name ~ /^(libaio|uring-1$|uring-64$|multishot-1$|multishot-64$)/)
		return "eventfd"
	if (name ~ /^uring-(nop|cmd)/)
		return "getpid"
	if (name == "read-64" || name == "splice" || name ~ /x64$/)
		return "zero-64"
	if (name == "eagain-rwf")
		return "null-rwf"
	if (name ~ /eagain/)
		return "eventfd-eagain"
	if (name == "poll" || name == "poll-ready")
		return "pipe-" name
	if (name == "write")
		return "pipe-write"
	return "eventfd"
}

# Of a line of JSON: one value, without its quotes
function value(key) {
	if (!match($0, "\"" key "\":(\"[^\"]*\"|[0-9.]+)"))
		return ""
	key = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
	gsub(/"/, "", key)
	return key
}

function fault(text) {
	failed++
	print text
}

# Every name once, in the order in which it came
function note(name) {
	if (!(name in known)) {
		known[name] = 1
		names[++count] = name
	}
}

# The budget; its head is kept, but for what counted it
FILENAME == ARGV[1] && /^#/ && !/^# Counted by/ { head = head $0 "\n" }
FILENAME == ARGV[1] && /^[^#]/ {
	baseline[$1] = $2
	budget[$1] = $3
	if (some || !update)
		note($1)
}

# The figures: of a figure's samples the lower quartile. What is above that is what happens to come between, a tick or
# another program's turn, and differs with where the build has put things.
FILENAME == ARGV[2] && /"name":/ {
	name = value("name")
	if (/"missing":/)
		missing[name] = value("missing")
	else
		cost[name] = value("low")
	if (value("group") ~ /^(iodemo|async|waking|growth|transfer)$/) {
		ours[name] = 1
		note(name)
	}
}

function check(name, base, ratio, growth, text) {
	if (!(name in cost)) {
		if (name in budget && (name in missing || !some))
			fault("missing: " name " has a budget" (name in missing ? ", but: " missing[name] : ""))
		else if (name in missing)
			skipped++
		return
	}
	if (!(name in budget)) {
		if (rule(name) != "-")
			fault("no budget: " name " has none; make bench BUDGET=update writes one")
		return
	}
	base = baseline[name]
	if (!(cost[base] > 0)) {
		fault("missing: " base ", which " name " is compared with")
		return
	}
	ratio = cost[name] / cost[base]
	growth = 100 * (ratio / budget[name] - 1)
	text = sprintf("%s is %.4f x %s, budget %s (%+.1f %%)", name, ratio, base, budget[name], growth)
	# Without what a division of decimals leaves behind
	growth = sprintf("%.6f", growth) + 0
	if (growth > tolerance) {
		fault("over budget: " text)
		return
	}
	passed++
	if (growth < -tolerance)
		print "note: " text "; make bench BUDGET=update keeps it so"
}

function write(name, base) {
	base = name in baseline && (some || baseline[name] in cost) ? baseline[name] : rule(name)
	if (base == "-" || name in missing)
		return
	if (name in cost && cost[base] > 0)
		budget[name] = sprintf("%.4f", cost[name] / cost[base])
	if (name in budget)
		printf "%-24s %-20s %10s\n", name, base, budget[name]
}

# The head of a budget that there wasn't
function explain() {
	return "# SPDX-License-Identifier: GPL-2.0-only\n" \
		"# What each figure of iodemo-bench may be, as a multiple of another one of the same run (make bench), counted in\n" \
		"# instructions, the lower quartile of both. A figure that is more than " tolerance " % above fails. make bench BUDGET=update\n" \
		"# writes the ratios anew; what is compared with what stays as it stands here, and is chosen by scripts/budget.awk for\n" \
		"# new figures.\n" \
		"#\n" \
		sprintf("# %-22s %-20s %10s\n", "figure", "baseline", "ratio")
}

END {
	if (update)
		printf "%s# Counted by QEMU %s\n", head ? head : explain(), emulator
	for (i = 1; i <= count; i++)
		if (update)
			write(names[i])
		else
			check(names[i])
	if (update)
		exit
	if (!passed && !failed && some)
		skipped++
	else if (!passed && !failed)
		fault("nothing was measured that has a budget")
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0
}
