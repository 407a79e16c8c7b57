#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# deb.sh: make Debian packages of this tree, and leave them in build/deb
#
# usage: scripts/deb.sh
#
# iodemo-dkms is the module, which DKMS builds for each kernel; iodemo the programs; libiodemo1 and libiodemo-dev the
# library. Their version is what VERSION says, and their maintainer DEBFULLNAME <DEBEMAIL>, or whom git knows, or root of
# this machine.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 0 "$@"

version=$(cat "$top/VERSION")
build=$top/build/deb
jobs=$(nproc)

# The sources: what git tracks or would track; in a tree without git, all that is there
sources()
{
	set -- CHANGELOG.md Kbuild VERSION modules uapi userspace
	git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null || find "$@" ! -type d
}

copy_sources()
{
	cd "$top" &&
		sources | cpio -pdm --quiet "$tree" &&
		cp -R scripts/debian "$tree/debian" &&
		sed -i "s/@MAINTAINER@/$maintainer/" "$tree/debian/control"
}

write_changelog()
{
	cat >"$tree/debian/changelog" <<-END
		iodemo ($version) unstable; urgency=medium

		  * What changed is told in CHANGELOG.md.

		 -- $maintainer  $(date -R -d "@$1")
	END
}

# Outside of the checkout, with a name that debhelper can cope with, and gone afterwards
build_packages()
{
	cd "$tree" && DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -us -uc -b -j"$jobs"
}

"$top/scripts/setup.sh" build deb
maintainer=$(maintainer)
changed=$(git -C "$top" log -1 --format=%ct 2>/dev/null || stat -c %Y "$top/VERSION")

temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
trap 'exit 130' INT TERM HUP
tree=$temporary/iodemo-$version
mkdir "$tree"
step 'copying the sources' copy_sources
write_changelog "$changed"
step 'building the packages' build_packages
rm -rf "$build"
mkdir -p "$build"
mv "$temporary"/*.deb "$temporary"/*.changes "$temporary"/*.buildinfo "$build/"
ls "$build"/*.deb
