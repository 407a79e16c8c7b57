#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# setup.sh: see that the tools for a job are there, and install what is missing
#
# usage: scripts/setup.sh JOB...
#
# Says first what can't work here: another processor, another system, no room, a folder that nobody may write to.
#
# JOB is build (module and programs), vm (guest kernel and virtual machine), test (the selftests), kernel (build a
# kernel), lint, examples, deb (packages), in-tree (a kernel tree with iodemo), htmldocs (that tree's documents), coverage,
# chart (draw what was measured), perf, xml, yaml, lava (the form of its jobs), or the name of a Debian package. What is
# missing is installed with apt-get, as root or through sudo; on a system without apt-get it is printed, with Debian's
# names, and the status is 1. KERNEL= in the environment is the guest's, if that is the path of a bzImage. The JOB lists
# has this machine's apt read its lists anew.
set -eu
. "$(dirname "$0")/lib.sh"

# Debian's package, and what shows that it is there: a command, or a file
needs()
{
	case $1 in
	build) cat <<-END ;;
		gcc gcc
		make make
		libc6-dev /usr/include/stdio.h
		liburing-dev /usr/include/liburing.h
		libaio-dev /usr/include/libaio.h
		libtracecmd-dev /usr/include/trace-cmd/trace-cmd.h
		libtracefs-dev /usr/include/tracefs/tracefs.h
		libtraceevent-dev /usr/include/traceevent/event-parse.h
		pkg-config pkg-config
		END
	vm) cat <<-END ;;
		qemu-system-x86 qemu-system-x86_64
		busybox-static /bin/busybox
		cpio cpio
		kmod kmod
		strace strace
		trace-cmd trace-cmd
		bash bash
		util-linux flock
		ca-certificates /etc/ssl/certs/ca-certificates.crt
		debian-archive-keyring /usr/share/keyrings/debian-archive-keyring.gpg
		END
	test) cat <<-END ;;
		rsync rsync
		xz-utils xz
		perl-base perl
		END
	kernel) cat <<-END ;;
		flex flex
		bison bison
		bc bc
		xz-utils xz
		libelf-dev /usr/include/libelf.h
		libssl-dev /usr/include/openssl/ssl.h
		END
	lint) cat <<-END ;;
		clang clang
		sparse sparse
		shellcheck shellcheck
		git git
		perl perl
		END
	examples) cat <<-END ;;
		python3 python3
		nodejs node
		golang-go go
		END
	deb) cat <<-END ;;
		debhelper dh
		dh-dkms dh_dkms
		dpkg-dev dpkg-buildpackage
		fakeroot fakeroot
		cpio cpio
		END
	coverage) cat <<-END ;;
		lcov lcov
		gcc gcov
	in-tree) cat <<-END ;;
		make make
		mandoc mandoc
		pandoc pandoc
		END
	htmldocs) cat <<-END ;;
		make make
		perl perl
		python3-sphinx sphinx-build
		python3-sphinx-rtd-theme /usr/lib/python3/dist-packages/sphinx_rtd_theme
		python3-yaml /usr/lib/python3/dist-packages/yaml
		END
	chart) echo "gnuplot-nox gnuplot" ;;
	perf) echo "linux-perf perf" ;;
	xml) echo "libxml2-utils xmllint" ;;
	yaml) cat <<-END ;;
		python3 python3
		python3-yaml /usr/lib/python3/dist-packages/yaml
		END
	lava) echo "lava-common /usr/share/lava-common/lava-schema.py" ;;
	*) echo "$1 $1" ;;
	esac
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

update_lists()
{
	as_root apt-get -q -o DPkg::Lock::Timeout=300 update
}

install_missing()
{
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing
}

# apt knows the archive's name when it has read its lists, and has read none on a new machine
is_debian()
{
	command -v apt-get >/dev/null || return
	# shellcheck disable=SC2016
	names=$(apt-get indextargets --format '$(ORIGIN)/$(LABEL)' | grep '[^/]') || return 0
	echo "$names" | grep -qx Debian/Debian
}

# place FOLDER WHAT-TO-DO
place()
{
	# shellcheck disable=SC2015
	{ mkdir -p "$1" && [ -w "$1" ]; } 2>/dev/null || die "$1: cannot be written to: $2"
	room "$1" 100
}

check_places()
{
	for folder in "$top" "$cache"; do
		case $folder in
		*[[:space:]:]*) die "$folder: the kernel's makefiles take no path with a space or a colon: move the folder" \
			"(what is fetched goes to XDG_CACHE_HOME, else to .cache in HOME)" ;;
		esac
	done
	place "$top/build" 'take a copy of iodemo that is yours'
	read_only_cache || place "$cache" 'set XDG_CACHE_HOME to a folder of yours'
	place "${TMPDIR:-/tmp}" 'set TMPDIR to a folder of yours'
}

# What is to be known before anything is installed
check_machine()
{
	works='What works here: make, which builds the programs, and the module if the headers of your kernel are installed'
	[ "$(uname -sm)" = 'Linux x86_64' ] || die "the virtual machine has this machine's programs, and is for Linux on x86_64" \
		"(amd64), not for $(uname -sm). $works"
	case ${KERNEL-} in
	*/*) return ;;
	esac
	[ -e "$cache/apt/updated" ] || is_debian ||
		die "this is no Debian, whose archive the kernels come from. $works; and the virtual machine with" \
			"KERNEL=<the path of a bzImage> KDIR=<its build tree>"
}

# What a new or an old machine's lists cannot tell, new lists can
install_packages()
{
	install_missing || { update_lists && install_missing; }
}

case ${1-} in
-h | --help) usage ;;
'' | -*) usage 2 >&2 ;;
esac

if [ "$1" = lists ]; then
	step "reading this machine's lists of packages" update_lists
	exit
fi

case " $* " in
*' vm '*) check_machine ;;
esac
check_places

# busybox-static and busybox share a path, and only the first runs in a guest without libraries
missing=$(for job; do needs "$job"; done | while read -r package proof; do
	case $proof in
	/bin/busybox) [ -x "$proof" ] && ! ldd "$proof" >/dev/null 2>&1 ;;
	/*) [ -e "$proof" ] ;;
	*) command -v "$proof" >/dev/null || [ -x "/sbin/$proof" ] || [ -x "/usr/sbin/$proof" ] ;;
	esac || printf '%s ' "$package"
done)
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null ||
	die "please install these (the names are Debian's), then try again: $missing"
[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
	die "not root, and no sudo; please run as root: apt-get install --no-install-recommends $missing"
step "installing ${missing% }" install_packages
