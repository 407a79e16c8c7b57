#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# debian.sh: look at and fetch Debian packages of any suite, with an apt of our own; the machine's stays as it is
#
# usage: scripts/debian.sh update               refresh the lists, if they are older than a day
#        scripts/debian.sh show PACKAGE[=VERSION]...          as apt-cache show does
#        scripts/debian.sh names PREFIX         the names of packages
#        scripts/debian.sh closure PACKAGE...   what an empty system takes to have these, as PACKAGE=VERSION
#        scripts/debian.sh unpack DIR PACKAGE[=VERSION]...    they are fetched to DIR.debs
#        scripts/debian.sh own                  a sources.list of this machine's release, from where its apt has it
#
# DEBIAN_MIRROR in the environment is the address of a mirror of Debian's archive; without, it is the one that the machine's
# apt has. The packages are for the guest's architecture, IODEMO_ARCH in the environment. On a machine without apt,
# scripts/mirror.sh does the same with curl or wget, but for closure.
set -eu
. "$(dirname "$0")/lib.sh"

# The one list of where kernels come from; a suite that the mirror has not got is passed over
suites='bookworm bookworm-backports trixie trixie-backports sid'
security='bookworm-security trixie-security'

config=$apt/apt.conf

# archive LABEL: the address of that archive, as the machine's own apt has it
archive()
{
	if [ -n "${DEBIAN_MIRROR-}" ]; then
		[ "$1" != Debian ] || echo "${DEBIAN_MIRROR%/}"
		return
	fi
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(ORIGIN)/$(LABEL) $(REPO_URI)' | sed -n "s|^Debian/$1 ||p" | head -n 1
}

write_config()
{
	mkdir -p "$apt/lists/partial" "$apt/archives/partial"
	: >"$apt/status"
	cat >"$config" <<-END
		Dir::State "$apt";
		Dir::State::Lists "$apt/lists";
		Dir::State::Status "$apt/status";
		Dir::Cache "$apt";
		Dir::Cache::Archives "$apt/archives";
		Dir::Cache::PkgCache "pkgcache.bin";
		Dir::Cache::SrcPkgCache "srcpkgcache.bin";
		Dir::Etc::SourceList "$apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Acquire::Retries "3";
		#clear DPkg::Post-Invoke;
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear Acquire::IndexTargets::deb::Contents-deb;
		#clear Acquire::IndexTargets::deb::DEP-11;
	END
}

write_sources()
{
	main=$(archive Debian)
	[ -n "$main" ] || { "$top/scripts/setup.sh" lists && main=$(archive Debian); }
	[ -n "$main" ] || die "apt knows no Debian archive: run apt-get update, or give KERNEL=<bzImage> KDIR=<its build tree>"
	keys="[arch=$arch signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
	for suite in $suites; do
		echo "deb $keys $main $suite main"
	done >"$apt/sources.list"
	fixes=$(archive Debian-Security)
	[ -z "$fixes" ] || for suite in $security; do
		echo "deb $keys $fixes $suite main"
	done >>"$apt/sources.list"
}

# A suite that is gone makes apt-get fail, although it has read the others: the lists that came are the answer
fetch_lists()
{
	said=$(LC_ALL=C apt-get -c "$config" update 2>&1) || :
	echo "$said"
	case $said in
	*'No space left'* | *'Disk quota exceeded'* | *'Write error'*)
		echo "$apt: the disk is full, or your part of it: make room, or set XDG_CACHE_HOME to another folder"
		return 1
		;;
	esac
	[ -n "$(find "$apt/lists" -maxdepth 1 -name '*Packages*')" ] || return 1
	touch "$apt/updated"
}

update()
{
	if read_only_cache; then
		[ -e "$apt/updated" ] || die "$cache: cannot be written to, and has no lists of packages: see README.md"
		return
	fi
	lock "$apt/lock"
	[ -z "$(find "$apt/updated" -mtime -1 2>/dev/null)" ] || return 0
	mkdir -p "$apt"
	room "$apt" 300
	write_config
	write_sources
	step "reading Debian's lists of packages" fetch_lists
}

# Of this machine's own suite, so that they are as its packages are; of the newest if that is none of ours
closure()
{
	suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	case " $suites " in
	*" $suite "*) ;;
	*) suite=${suites##* } ;;
	esac
	apt-get -c "$config" -s -t "$suite" --no-install-recommends install "$@" |
		sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p' | sort
}

download()
{
	cd "$1"
	shift
	apt-get -q -c "$config" download "$@"
}

unpack()
{
	dir=$1
	shift
	debs=$dir.debs
	mkdir -p "$debs"
	what=$*
	[ $# -le 5 ] || what="$# packages"
	step "fetching $what" download "$debs" "$@"
	for deb in "$debs"/*.deb; do
		step "unpacking ${deb##*/}" dpkg -x "$deb" "$dir"
	done
	rm -r "$debs"
}

# Those of this release, its updates and its security fixes
own_sources()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(CODENAME) deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
		sed -n "s/^$codename\(-updates\|-security\|\) deb /deb [signed-by=\/usr\/share\/keyrings\/debian-archive-keyring.gpg] /p" | sort -u
}

own()
{
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	lines=$(own_sources)
	[ -n "$lines" ] || { "$top/scripts/setup.sh" lists && lines=$(own_sources); }
	[ -n "$lines" ] || die "apt knows no Debian archive of this machine's release, $codename: run apt-get update"
	echo "$lines"
}

case ${1-} in
-* | '') ;;
*) have_apt || exec "$top/scripts/mirror.sh" "$@" ;;
esac

case ${1-} in
update) update ;;
show) shift && apt-cache -c "$config" show "$@" ;;
names) apt-cache -c "$config" pkgnames "$2" ;;
closure) shift && closure "$@" ;;
unpack) shift && unpack "$@" ;;
own) own ;;
-h | --help) usage ;;
*) usage 2 >&2 ;;
esac
