# SPDX-License-Identifier: GPL-2.0-only
# graph.awk: from what nm says of objects, which file calls which other one; its circles, or its picture
#
# usage: nm -A -P FILE.o... | awk [-v picture=1] -f scripts/graph.awk
#
# Without picture it prints the circles, one a line, with the names by which each file calls the next; status 1 when
# there are any. The picture has a line for each file, or for some alike, and what they call; who is called stands below
# all who call it. A data symbol counts as a call: who names it depends on who has it.

function sort(list, count,	i, j, kept)
{
	for (i = 2; i <= count; i++) {
		kept = list[i]
		for (j = i - 1; j >= 1 && list[j] > kept; j--)
			list[j + 1] = list[j]
		list[j + 1] = kept
	}
}

# The shortest way from one file to another: "a b c"; "" if there is none
function way(from, to,	queue, head, tail, before, i, at, path)
{
	queue[tail = 1] = from
	before[from] = ""
	for (head = 1; head <= tail; head++) {
		at = queue[head]
		if (at == to)
			break
		for (i = 1; i <= files; i++)
			if ((at, name[i]) in calls && !(name[i] in before)) {
				before[name[i]] = at
				queue[++tail] = name[i]
			}
	}
	if (!(to in before))
		return ""
	for (path = to; before[to] != ""; path = to " " path)
		to = before[to]
	return path
}

# A circle begins with the first of its names, so that it is one however it was found
function turn(path,	part, count, first, i, turned)
{
	count = split(path, part, " ")
	first = 1
	for (i = 2; i <= count; i++)
		if (part[i] < part[first])
			first = i
	for (i = 0; i < count; i++)
		turned = turned (i ? " " : "") part[(first - 1 + i) % count + 1]
	return turned
}

function show_circle(path,	part, count, i, next_one)
{
	count = split(path, part, " ")
	printf "circle: %s", part[1]
	for (i = 1; i <= count; i++) {
		next_one = part[i % count + 1]
		printf " -> %s (%s)", next_one, calls[part[i], next_one]
	}
	printf "\n"
}

function show_circles(	i, j, path, seen, found)
{
	for (i = 1; i <= files; i++)
		for (j = 1; j <= files; j++) {
			if (!((name[i], name[j]) in calls) || (path = way(name[j], name[i])) == "")
				continue
			path = turn(path)
			if (!(path in seen))
				show_circle(path)
			seen[path]
			found = 1
		}
	return found
}

# One below the lowest who calls it; those of a circle stand side by side
function find_layers(	i, j, again)
{
	for (i = 1; i <= files; i++)
		for (j = 1; j <= files; j++)
			downwards[i, j] = (name[i], name[j]) in calls && way(name[j], name[i]) == ""
	do {
		again = 0
		for (i = 1; i <= files; i++)
			for (j = 1; j <= files; j++)
				if (downwards[i, j] && layer[j] <= layer[i]) {
					layer[j] = layer[i] + 1
					again = 1
				}
	} while (again)
}

function show_row(left, right,	line, part, count, i)
{
	line = sprintf("%-" width "s", left)
	count = split(right, part, " ")
	for (i = 1; i <= count; i++) {
		if (length(line) + 1 + length(part[i]) > 118) {
			print line
			line = sprintf("%-" width "s", "")
		}
		line = line " " part[i]
	}
	sub(/ +$/, "", line)
	print line
}

function show_picture(	i, j, depth, row, rows, left, deepest)
{
	find_layers()
	width = 0
	for (i = 1; i <= files; i++) {
		row = ""
		for (j = 1; j <= files; j++)
			if ((name[i], name[j]) in calls)
				row = row " " name[j]
		callees[i] = row
		if (length(name[i]) + 2 > width)
			width = length(name[i]) + 2
		if (layer[i] > deepest)
			deepest = layer[i]
	}
	for (depth = 0; depth <= deepest; depth++) {
		if (depth)
			print ""
		for (i = 1; i <= files; i++)
			if (layer[i] + 0 == depth)
				show_row(name[i], callees[i])
	}
}

# "folder/file.o: symbol type ..."
{
	file = $1
	sub(/\.o:$/, "", file)
	if (!(file in known)) {
		known[file]
		name[++files] = file
	}
	if ($3 ~ /^[Uwv]$/)
		needed[++needs] = file SUBSEP $2
	else if ($3 ~ /^[A-Z]$/ && $2 != "main")
		home[$2] = file
}

END {
	sort(name, files)
	for (i = 1; i <= needs; i++) {
		split(needed[i], part, SUBSEP)
		if (!(part[2] in home) || home[part[2]] == part[1])
			continue
		edge = part[1] SUBSEP home[part[2]]
		calls[edge] = calls[edge] (edge in calls && calls[edge] != "" ? ", " : "") part[2]
	}
	if (picture)
		show_picture()
	else
		exit show_circles()
}
