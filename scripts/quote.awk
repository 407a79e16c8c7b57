# SPDX-License-Identifier: GPL-2.0-only
# quote.awk: a function, struct, table or macro of a C file, with the comment right above it
#
# usage: awk -v name=NAME [-v number=1] -f scripts/quote.awk FILE
#
# NAME is the C name; that of a trace event; or "head", the comment at the head of the file. With number, only the number
# of the first line that would be printed. Status 1 when there is none. It goes by the kernel's style: what is defined
# begins in the first column, and a line which begins with the closing brace ends it.

# The words around the name on the line where a definition begins
BEGIN {
	before = "^([A-Za-z_][^;=]*[^A-Za-z0-9_])?"
	array = "(\\[[^]]*\\])*"
	is_struct = "^(typedef )?(struct|union|enum) " name " \\{$"
	is_table = before name array " = "
	is_macro = "^#[ \t]*define[ \t]+" name "([^A-Za-z0-9_]|$)"
	is_event = "^(TRACE|DEFINE)_EVENT[A-Z_]*\\((.*[ ,])?" name "[,)]"
	is_call = before name "\\("
}

{ text[NR] = $0 }

# A function's body begins before anything else ends; a declaration has none
function has_body(i)
{
	while (i < NR && text[i] !~ /[;}\\]$/)
		if (text[++i] == "{")
			return 1
	return 0
}

# The last line of what begins at i; 0 if nothing of that name does
function end_of(i)
{
	if (text[i] ~ is_macro) {
		while (text[i] ~ /\\$/)
			i++
		return i
	}
	if (text[i] ~ is_event) {
		while (i < NR && text[i] !~ /\);$/)
			i++
		return i
	}
	if (text[i] ~ is_table && text[i] ~ /;$/)
		return i
	if (text[i] !~ is_struct && text[i] !~ is_table && !(text[i] ~ is_call && has_body(i)))
		return 0
	while (i < NR && text[i] !~ /^}/)
		i++
	return i
}

# The first line of a comment that ends at i; i + 1 if none does
function comment_at(i,	first)
{
	first = i + 1
	if (text[i] !~ /\*\/$/)
		return first
	while (i > 0 && text[i] ~ /^( \*|\/\*)/) {
		if (text[i] ~ /^\/\*/)
			return i
		i--
	}
	return first
}

function head(	i)
{
	for (i = 1; text[i] ~ /SPDX/; i++)
		;
	first = last = i
	while (last < NR && text[last] !~ /\*\/$/)
		last++
	return text[i] ~ /^\/\*/
}

function find(	i)
{
	if (name == "head")
		return head()
	for (i = 1; i <= NR; i++)
		if (last = end_of(i)) {
			first = comment_at(i - 1)
			return 1
		}
	return 0
}

END {
	if (!find())
		exit 1
	if (number)
		print first
	else
		for (; first <= last; first++)
			print text[first]
}
