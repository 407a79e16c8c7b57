# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# figure.sh: what a figure of iodemo-trace's shows; functions, to be sourced, on this machine and in the guest
#
# $figure is the file, MODEL.svg.

# attribute NAME: of the figure as a whole
attribute()
{
	sed -n "s/^<svg .* data-$1=\"\([0-9]*\)\".*/\1/p" "$figure"
}

# A number of so many digits is none to awk: times are text, all of them of 20 digits.

# "ns name" of each event
events()
{
	sed -n 's/^<g data-event="\([^"]*\)" data-ns="\([0-9]*\)">.*/\2 \1/p' "$figure" |
		while read -r ns name; do printf '%020d %s\n' "$ns" "$name"; done
}

# "begin end" of a state, where the figure does not cut it off
states()
{
	begin=$(attribute begin)
	end=$(attribute end)
	sed -n "s/^<g data-state=\"$1\" data-begin=\"\([0-9]*\)\" data-end=\"\([0-9]*\)\">.*/\1 \2/p" "$figure" |
		while read -r from to; do
			[ "$from" -eq "$begin" ] || [ "$to" -eq "$end" ] || printf '%020d %020d\n' "$from" "$to"
		done
}

# has PATTERN: is there an event of such a name?
has()
{
	events | grep -qE " ($1)$"
}

# What a reader must see at once; a line that says so, if it is not there
lesson()
{
	asleep=$(states sleeps | grep -c . || :)
	again=$(grep -c EAGAIN "$figure" || :)
	case ${figure##*/} in
	blocking.svg) [ "$asleep" -gt 0 ] && has read && ! has '(epoll|poll|select).*' ;;
	nonblocking.svg) [ "$asleep" -eq 0 ] && [ "$again" -gt 10 ] ;;
	multiplexing.svg) [ "$asleep" -gt 0 ] && has 'epoll_p?wait' ;;
	signal.svg) [ "$asleep" -eq 0 ] && has signal_deliver && states handles | grep -q . ;;
	async.svg) [ "$asleep" -eq 0 ] && has iodemo_aio_complete && ! has 'read.*' ;;
	esac || echo "$figure does not show its model: asleep $asleep times, EAGAIN $again times"
}
