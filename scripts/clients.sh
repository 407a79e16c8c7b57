#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# clients.sh: run other people's programs, unmodified, on /dev/iodemo in the virtual machine, each with what a person
# expects of it
#
# usage: [KERNEL=6.1] scripts/clients.sh [--update] [PROGRAM...]
#
# The programs are those of a Debian of this machine's release, which is made once, in the cache. PROGRAM is some of the
# first column of docs/clients.md (default: all). The cases are in scripts/clients, and so are the short programs that use
# a library. The table in docs/clients.md must be what was found, whatever the versions; --update writes it anew. The last
# line is "N passed, N failed, N skipped"; the status is 0 when none failed. What the guest said is in build/clients/output.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"

update=
case ${1-} in
--update) update=yes && shift ;;
-*) arguments 0 "$@" ;;
esac

kernel=${KERNEL:-6.1}
for program; do
	grep -q "^client $program\( \|\$\)" "$top/scripts/clients/cases.sh" ||
		die "$program: no such program; there are: $(sed -n 's/^client \([^ ]*\).*/\1/p' "$top/scripts/clients/cases.sh" | paste -s -d ' ' -)"
done
build=$top/build/clients
sources=$top/scripts/clients
page=$top/docs/clients.md
unset KERNEL

# Of the packages, what runs and what is compiled with; its owner is whoever makes it, and the guest brings /dev
make_root()
{
	"$top/scripts/debian.sh" own |
		mmdebstrap --variant=essential --include="$packages" --aptopt='APT::Install-Recommends "false"' \
			--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
			"$codename" "$new.tar" - &&
		mkdir "$new" && tar -xf "$new.tar" -C "$new" --exclude='./dev/*' && rm "$new.tar" && mv "$new" "$root"
}

# A Debian with the programs; the libraries' headers are for the compiler here
get_root()
{
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	packages=busybox,socat,python3,nodejs,fio,stress-ng,strace,lsof,linux-perf,bpftrace,trace-cmd,libuv1-dev
	packages=$packages,libevent-dev,libev-dev,libglib2.0-dev,libboost-dev,libstdc++-$(g++ -dumpversion)-dev
	root=$cache/clients/$codename-$(echo "$packages" | cksum | cut -d ' ' -f 1)
	lock "$cache/clients/lock"
	[ ! -e "$root" ] || return 0
	! read_only_cache || die "$cache: cannot be written to, and has no Debian with the programs: see README.md"
	room "$cache/clients" 3000
	rm -rf "$cache/clients/$codename"-*
	new=$root.new
	trap 'rm -rf "$new" "$new.tar"' EXIT
	step "making a Debian $codename with the programs (some minutes, once)" make_root
	trap - EXIT
}

build_programs()
{
	make -s -C "$sources" ROOT="$root" OUTPUT="$build/bin-${root##*/}"
}

# What the guest says, as it comes, for people
show()
{
	awk -F '\t' 'NF < 6 { print; fflush(); next }
		{ print $1 " " $2 ": " $4 ($6 == "" ? "" : " [cannot work: " $6 "]") }
		{ fflush() }'
}

# said ok|not ok: how often
said()
{
	awk -F '\t' -v word="$1" 'NF == 6 && $1 == word { n++ } END { print n + 0 }' "$build/output"
}

# What it said, as a table
table()
{
	echo '| program | version | is expected to | by | does it? |'
	echo '|---|---|---|---|---|'
	awk -F '\t' 'NF == 6 {
		gsub(/\|/, "\\|", $5)
		gsub(/\\?\$file/, "/dev/iodemo", $5)
		gsub(/\$clients\//, "", $5)
		print "| " $2 " | " $3 " | " $4 " | `" $5 "` | " ($1 != "ok" ? "**no**" : $6 == "" ? "yes" : "it can'\''t: " $6) " |"
	}' "$build/output"
}

begin='<!-- made by scripts/clients.sh --update -->'
end='<!-- to here -->'

table_there()
{
	sed -n "\|^$begin|,\|^$end|p" "$page" | grep '^|' || :
}

without_versions()
{
	sed 's/^| \([^|]*\) | [^|]* |/| \1 |/'
}

write_table()
{
	{
		sed "\|^$begin|q" "$page"
		table
		sed -n "\|^$end|,\$p" "$page"
	} >"$build/page"
	cat "$build/page" >"$page"
}

"$top/scripts/setup.sh" vm build clients
get_root
unlock
lock "$build/lock"
step 'building the programs that use a library' build_programs

rm -f "$build/status"
{
	"$top/scripts/run.sh" -k "$kernel" -p period_us=0 -t 1800 -r "$root" \
		"PATH=\$PATH:'/host$build/bin-${root##*/}' exec '/host$sources/guest.sh' $*" || echo "$?" >"$build/status"
} 2>&1 | tee "$build/output" | show
check 'the command ran, and the kernel has nothing to report' '' "$(cat "$build/status" 2>/dev/null)"
passed=$((passed + $(said ok)))
failed=$((failed + $(said 'not ok')))
if [ -z "$*" ]; then
	[ -z "$update" ] || [ -e "$build/status" ] || write_table
	check 'docs/clients.md has this table; else look, and: scripts/clients.sh --update' "$(table_there | without_versions)" \
		"$(table | without_versions)"
fi
verdict
