#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# mirror.sh: what debian.sh does, on a machine without apt: by curl or wget, from a mirror of Debian's archive
#
# usage: DEBIAN_MIRROR=http://HOST/debian scripts/mirror.sh update
#        scripts/mirror.sh show PACKAGE[=VERSION]...
#        scripts/mirror.sh names PREFIX
#        scripts/mirror.sh unpack DIR PACKAGE=VERSION...
#
# Each suite's release file is checked with gpgv and the keyring of Debian's archive, if this machine has both; if not, that
# is said. Lists are checked against the release file, and packages against the lists, always.
set -eu
. "$(dirname "$0")/lib.sh"

# Those of debian.sh
suites=$(sed -n "s/^suites='\(.*\)'$/\1/p" "$top/scripts/debian.sh")

lists=$apt/mirror
list=main/binary-$arch/Packages.xz
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# get PATH FILE: of the mirror
get()
{
	if command -v curl >/dev/null; then
		curl -fsSL --retry 3 -o "$2" "$mirror/$1"
	else
		wget -q -O "$2" "$mirror/$1"
	fi
}

# matches SHA256 FILE
matches()
{
	echo "$1  $2" | sha256sum -c --quiet - >/dev/null 2>&1 || { echo "$2: is not what Debian has signed" && return 1; }
}

# sum_of PATH RELEASE-FILE
sum_of()
{
	awk -v path="$1" '/^SHA256:/ { inside = 1; next } /^[^ ]/ { inside = 0 } inside && $3 == path { print $1 }' "$2"
}

signed()
{
	[ -r "$keyring" ] && command -v gpgv >/dev/null || return 0
	gpgv --keyring "$keyring" "$1" || { echo "$1: not signed by Debian's archive" && return 1; }
}

# A suite that the mirror has not got is passed over
fetch_lists()
{
	for suite in $suites; do
		get "dists/$suite/InRelease" "$lists/InRelease" || continue
		signed "$lists/InRelease" && get "dists/$suite/$list" "$lists/Packages.xz" &&
			matches "$(sum_of "$list" "$lists/InRelease")" "$lists/Packages.xz" &&
			xz -dc "$lists/Packages.xz" >"$lists/$suite.new" && mv "$lists/$suite.new" "$lists/$suite.packages" || return
	done
	rm -f "$lists/InRelease" "$lists/Packages.xz"
	[ -n "$(find "$lists" -name '*.packages')" ] || { echo "DEBIAN_MIRROR=$mirror: has none of $suites" && return 1; }
	echo "$mirror" >"$lists/address"
	touch "$apt/updated"
}

update()
{
	if read_only_cache; then
		[ -e "$lists/address" ] || die "$cache: cannot be written to, and has no lists of packages: see README.md"
		return
	fi
	lock "$apt/lock"
	[ ! -e "$lists/address" ] || [ -z "$(find "$apt/updated" -mtime -1)" ] || return 0
	mirror=${DEBIAN_MIRROR:-$(cat "$lists/address" 2>/dev/null)} ||
		die "no apt here: give DEBIAN_MIRROR=<the address of a mirror of Debian's archive, http://HOST/debian>"
	mirror=${mirror%/}
	mkdir -p "$lists"
	room "$lists" 300
	{ [ -r "$keyring" ] && command -v gpgv >/dev/null; } ||
		echo "no gpgv, or no $keyring: that Debian has signed what comes from $mirror is not checked" >&2
	step "reading Debian's lists of packages" fetch_lists
}

# show PACKAGE[=VERSION]...: what the lists have of each, the newest suite's last
show()
{
	awk -v wanted="$*" '
		BEGIN {
			RS = ""
			FS = "\n"
			count = split(wanted, name, " ")
			for (i = 1; i <= count; i++)
				is[name[i]]
		}
		{
			split($1, package, " ")
			match($0, /\nVersion: [^\n]*/)
			version = substr($0, RSTART + 10, RLENGTH - 10)
			if ((package[2] in is || package[2] "=" version in is) && !seen[package[2], version]++) {
				print $0 "\n"
				found = 1
			}
		}
		END { exit !found }' "$lists"/*.packages
}

names()
{
	sed -n "s/^Package: \($1.*\)/\1/p" "$lists"/*.packages | sort -u
}

# fetch PACKAGE=VERSION FOLDER
fetch()
{
	described=$(show "$1") || { echo "$1: is not in Debian's lists" && return 1; }
	path=$(echo "$described" | sed -n 's/^Filename: //p' | head -n 1)
	get "$path" "$2/${path##*/}" &&
		matches "$(echo "$described" | sed -n 's/^SHA256: //p' | head -n 1)" "$2/${path##*/}"
}

# A package is an archive of archives, one of which has the files
unpack_one()
{
	mkdir -p "$2" && ar p "$1" data.tar.xz | xz -dc | tar -xf - -C "$2"
}

unpack()
{
	dir=$1
	debs=$dir.debs
	shift
	mirror=$(cat "$lists/address")
	mkdir -p "$debs"
	for package; do
		step "fetching $package" fetch "$package" "$debs"
	done
	for deb in "$debs"/*.deb; do
		step "unpacking ${deb##*/}" unpack_one "$deb" "$dir"
	done
	rm -r "$debs"
}

case ${1-} in
update) update ;;
show) shift && show "$@" ;;
names) names "$2" ;;
unpack) shift && unpack "$@" ;;
-h | --help) usage ;;
*) usage 2 >&2 ;;
esac
