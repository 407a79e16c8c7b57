# SPDX-License-Identifier: GPL-2.0-only
# links.awk: the links of Markdown pages that lead to no file of ours, or to no heading
#
# usage: awk -f scripts/links.awk PAGE.md...
#
# Prints them. A heading is known by GitHub's name for it: its small letters, digits, _ and -, and a - for each space. Only
# headings of the pages given are known.

function check(link,	path)
{
	if (link ~ /^[a-z]+:/)
		return
	path = link ~ /^#/ ? FILENAME link : folder link
	while (sub(/[^\/]+\/\.\.\//, "", path))
		;
	links[path] = FILENAME ": " link
}

FNR == 1 {
	fenced = 0
	folder = FILENAME
	sub(/[^\/]*$/, "", folder)
	pages[FILENAME]
}

/^```/ { fenced = !fenced }
fenced { next }

/^#+ / {
	name = tolower($0)
	sub(/^#+ */, "", name)
	gsub(/[^a-z0-9_ -]/, "", name)
	gsub(/ /, "-", name)
	headings[FILENAME "#" name]
}

{
	for (rest = $0; match(rest, /\]\([^)]*\)/); rest = substr(rest, RSTART + RLENGTH))
		check(substr(rest, RSTART + 2, RLENGTH - 3))
	for (rest = $0; match(rest, /(src|srcset|href)="[^"]*"/); rest = substr(rest, RSTART + RLENGTH)) {
		split(substr(rest, RSTART, RLENGTH), part, "\"")
		check(part[2])
	}
}

END {
	for (path in links) {
		file = path
		sub(/#.*/, "", file)
		if (system("[ -e '" file "' ]"))
			print links[path] ": no such file"
		else if (file in pages && path ~ /#/ && !(path in headings))
			print links[path] ": no such heading"
	}
}
