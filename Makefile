# SPDX-License-Identifier: GPL-2.0-only
# The user's front door; kbuild's is Kbuild.
#
#: iodemo: the five I/O models on one live device
#:
#: In a virtual machine; what is missing is installed or fetched first:
#:   make demo       boot, load the module, run the five demos and the comparison; ends with the path of a page that
#:                   shows them
#:   make report     the same, with what the device costs, which takes some minutes
#:   make check      run the selftests; TESTS="multiplexing signal" for some of them; DEVICE=edu for those that don't need
#:                   the timer, on QEMU's PCI device
#:   make check-all  the same on every kernel that we claim, and one table of it; ONLY="6.1 debug" for some of them
#:   make coverage   which lines of the module the selftests run; a page of it in build/coverage
#:   make bench      measure what the device costs, in instructions, against the kernel's budget; MEASURES="read waking"
#:                   for some of it, REAL=1 for time instead, BUDGET=update for a new budget
#:   make stress     do everything at random, with the device unbound and the processes killed meanwhile; MINUTES=10,
#:                   SEED=<what a run has printed> for the same choices again; UNBINDS=10000 for a storm of these
#:   make fuzz       make every system call that the device takes, at random, on the debug kernel, and count what each gave;
#:                   CALLS=1000000 or MINUTES=60, and SEED= as above
#:   make exercise   is the exercise N=blocking (nonblocking, multiplexing, signal, async) of docs/ solved? Without N: are
#:                   they all unsolved here, and their solutions right?
#:   make examples   run the examples of docs/examples: C, Python, node, Go
#:   make virtio     see from outside of the machine that what goes in there comes out here, and the other way round
#:   make clients    run other people's programs on the device, unmodified; PROGRAMS="cat socat" for some of them
#:   make check-in-tree
#:                   put iodemo into Debian's kernel source, and build, read, test and boot it there; CASES="place
#:                   documents tests build boot" for some of it
#:   make check-fleet
#:                   boot what make fleet leaves as its LAVA job says
#:   make shell      look around; Ctrl-A x ends the machine. WITH="bpftrace perf": with these too
#:   make run CMD='python3 mytest.py'
#:                   run a command of this machine's there, with this machine's files, which it can't alter, in the folder
#:                   where you are (or DIR=); PARAMS='period_us=0' for the module; see docs/run.md
#:     KERNEL=6.1    the guest's kernel: a version that Debian has (6.1, 6.12, 6.1-rt), newest, debug (KASAN, lockdep,
#:                   kmemleak), kcsan (data races), or the path of a bzImage together with KDIR=<its build tree>; see
#:                   scripts/kernel.sh --help
#:     ARCH=arm64    the guest's processor, if not this machine's; for demo, check and shell
#:     BITS=32       programs of 32 bits on that kernel of 64
#:
#: On this machine:
#:   make            build the programs, and the module if there are a kernel's headers
#:   make modules    the module alone; KDIR=<kernel tree>, else that of the running kernel
#:   make userspace  the programs alone
#:   make install    module and programs; PREFIX=/usr/local, DESTDIR=; see docs/install.md
#:   make uninstall  what make install with the same words has installed
#:   make deb        Debian packages, in build/deb
#:   make fleet      kernel, file system, tests and a LAVA job for many machines, in build/fleet-KERNEL; see docs/fleet.md
#:   make in-tree TREE=~/linux
#:                   put driver, tests and documents into that kernel's source tree
#:   make lint       checkpatch, sparse, W=1, clang, shellcheck, the call graph, the lessons
#:   make clean      remove all that was built here; make distclean: and what was fetched, in ~/.cache/iodemo

KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.1
PREFIX ?= /usr/local

# KDIR= given by hand goes with KERNEL=<bzImage>; our default for it does not
kdir_env = $(if $(findstring command line,$(origin KDIR)),KDIR="$(KDIR)")

.PHONY: all modules userspace install uninstall deb demo report check check-all check-fleet check-in-tree coverage bench
.PHONY: stress fuzz exercise examples clients virtio shell run fleet in-tree lint clean distclean help

# Headers that somebody names are to be there
all: userspace $(if $(kdir_env)$(wildcard $(KDIR)/Makefile),modules,no-module)

.PHONY: no-module
no-module: userspace
	@echo "Left out: the module, for $(KDIR) is not there. For it, install this kernel's headers (Debian: apt-get" \
		"install linux-headers-$$(uname -r)), or give KDIR=<a built kernel tree>"

# What another kernel's build left here is none of this one's. kbuild's own clean takes all objects below, also those of
# the programs, which are perhaps being built.
clean_modules = find modules -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
	-o -name modules.order | xargs rm -f; rm -f .kdir .*.cmd .module-common.o modules.order Module.symvers
modules: kdir
	@[ "$$(cat .kdir 2>/dev/null)" = "$(KDIR)" ] || { $(clean_modules); }
	@echo "$(KDIR)" >.kdir
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" modules

.PHONY: kdir
kdir:
	@case "$(CURDIR)" in *[[:space:]:]*) \
		echo "$(CURDIR): the kernel's makefiles take no path with a space or a colon: move the folder (make" \
			"userspace builds the programs here)" >&2; exit 1 ;; \
	esac
	@[ -e "$(KDIR)/Makefile" ] || { \
		echo "KDIR=$(KDIR): no kernel to build a module for. Install its headers (Debian: apt-get install" \
			"linux-headers-$$(uname -r)), give KDIR=<a built kernel tree>, or try iodemo in a virtual machine:" \
			"make demo" >&2; exit 1; }

userspace:
	$(MAKE) -C userspace

# For the release that the module is built for, in the folder where depmod looks first. kbuild skips depmod when there are
# only headers, and says so; so it is run here, and where DESTDIR will end up is not ours to tell.
destdir = $(if $(DESTDIR),$(abspath $(DESTDIR)))
utsrelease = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$(KDIR)/include/generated/utsrelease.h" 2>/dev/null)
release = $(or $(utsrelease),$(shell uname -r))
folders = $(patsubst %,/lib/modules/$(release)/updates/%,$(wildcard modules/*))
depmod = $(if $(DESTDIR),,PATH=$$PATH:/usr/sbin:/sbin depmod $(release))
install: kdir all
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" MODLIB="$(destdir)/lib/modules/$(release)" INSTALL_MOD_DIR=updates DEPMOD=true \
		modules_install
	$(depmod)
	$(MAKE) -C userspace install DESTDIR="$(destdir)" PREFIX="$(PREFIX)"

# DESTDIR's folders go when they are empty; of a machine's, those that can be none but ours
uninstall:
	rm -f $(foreach folder,$(folders),"$(destdir)$(folder)"/$(notdir $(folder)).ko*)
	cd "$(destdir)/" && for folder in $(patsubst /%,%,$(folders)); do \
		[ ! -d "$$folder" ] || rmdir -p --ignore-fail-on-non-empty "$$folder"; done
	$(depmod)
	$(MAKE) -C userspace uninstall DESTDIR="$(destdir)" PREFIX="$(PREFIX)"

deb:
	@scripts/deb.sh

vm_env = KERNEL="$(KERNEL)" ARCH="$(ARCH)" BITS="$(BITS)" $(kdir_env)

demo:
	@$(vm_env) scripts/report.sh demo

report:
	@$(vm_env) scripts/report.sh demo bench

check:
	@$(vm_env) TESTS="$(TESTS)" WITH="$(WITH)" DEVICE="$(DEVICE)" scripts/check.sh

check-all:
	@ONLY="$(ONLY)" WITH="$(WITH)" scripts/check-all.sh

coverage:
	@TESTS="$(TESTS)" scripts/coverage.sh

bench:
	@$(vm_env) MEASURES="$(MEASURES)" REAL="$(REAL)" BUDGET="$(BUDGET)" scripts/bench.sh

stress:
	@$(vm_env) MINUTES="$(MINUTES)" SEED="$(SEED)" UNBINDS="$(UNBINDS)" scripts/stress.sh stress

# Of the kernels it takes the one that watches, if none is named
fuzz:
	@$(if $(findstring file,$(origin KERNEL)),KERNEL=debug,$(vm_env)) MINUTES="$(MINUTES)" CALLS="$(CALLS)" SEED="$(SEED)" \
		scripts/stress.sh fuzz

exercise:
	@$(vm_env) scripts/exercise.sh $(N)

examples:
	@$(vm_env) scripts/examples-check.sh

clients:
	@$(vm_env) scripts/clients.sh $(PROGRAMS)

fleet:
	@$(vm_env) TESTS="$(TESTS)" URL="$(URL)" scripts/fleet.sh

check-fleet:
	@$(vm_env) $(if $(TESTS),TESTS="$(TESTS)") scripts/fleet-check.sh

in-tree:
	@scripts/in-tree.sh $(TREE)

check-in-tree:
	@$(vm_env) TESTS="$(TESTS)" scripts/in-tree-check.sh $(if $(CASES),"$(CASES)")

virtio:
	@$(vm_env) scripts/virtio-check.sh

shell:
	@$(vm_env) scripts/vm.sh -k "$(KERNEL)" -w "$(WITH)" shell

# As they were typed: CMD is a shell's, not make's, and none of these is the command's. Where the caller is, -C does not
# tell, but PWD does.
unexport CMD DIR PARAMS KERNEL
run: export IODEMO_COMMAND = $(value CMD)
run: export IODEMO_FOLDER = $(or $(value DIR),$(value PWD),$(CURDIR))
run:
	@$(kdir_env) scripts/run.sh -k "$(KERNEL)" -p "$(PARAMS)" -d "$$IODEMO_FOLDER" "$$IODEMO_COMMAND"

lint:
	@scripts/lint.sh

clean:
	$(clean_modules)
	$(MAKE) -s -C userspace clean
	rm -rf build

distclean: clean
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/iodemo"

help:
	@sed -n "s/^#: \{0,1\}//p" Makefile
