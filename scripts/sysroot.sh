#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# sysroot.sh: get what programs of another architecture are built with and run with, and print the folder which holds it
#
# usage: scripts/sysroot.sh ARCHITECTURE
#
# ARCHITECTURE is one of Debian's (i386). The folder is laid out as /, has the C library and the libraries of ours with
# what they depend on, and serves as gcc's --sysroot; it is kept in ~/.cache/iodemo. This machine's packages stay as they
# are.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 1 "$@"
IODEMO_ARCH=$1
export IODEMO_ARCH
debian=$top/scripts/debian.sh

# coreutils for the library of stdbuf
wanted="libc6-dev libgcc-$(gcc -dumpversion | cut -d . -f 1)-dev liburing-dev libaio-dev libtracecmd-dev libtracefs-dev
	libtraceevent-dev coreutils"

# Where a link points to is in the same folder
relative_links()
{
	find "$new" -type l -lname '/*' | while read -r link; do
		ln -srfn "$new$(readlink "$link")" "$link"
	done
}

"$debian" update
# shellcheck disable=SC2086
packages=$("$debian" closure $wanted)
folder=$cache/sysroot/$IODEMO_ARCH-$(echo "$packages" | cksum | cut -d ' ' -f 1)
lock "$folder.lock"
if [ ! -d "$folder" ]; then
	! read_only_cache || die "$cache: cannot be written to, and has no ${folder#"$cache/"}: see README.md"
	room "$cache" 500
	new=$folder.new
	rm -rf "$new" "$new.debs"
	mkdir -p "$new"
	# shellcheck disable=SC2086
	"$debian" unpack "$new" $packages
	relative_links
	mv "$new" "$folder"
fi
echo "$folder"
