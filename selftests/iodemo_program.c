// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs that come with the device; see iodemo_program.h.
 */
#include "iodemo_test.h"
#include "iodemo_program.h"

#include <math.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#define FDS_MAX		64	/* that a program is looked at for */

bool program_there(const char *name)
{
	struct program p = { .errors = true };

	return PROGRAM_RUN(&p, (char *)name, "--help") != 127;
}

/* A pipe's end each, or a terminal's */
static long open_output(const struct program *p, int ends[2])
{
	if (!p->terminal)
		return result(pipe2(ends, O_CLOEXEC));
	ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ends[0] < 0 || grantpt(ends[0]) || unlockpt(ends[0]))
		return -errno;
	ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	return ends[1] < 0 ? -errno : 0;
}

static void be_program(const struct program *p, int output, bool traced, char *const *words)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(output, STDOUT_FILENO) < 0 ||
	    (p->errors && dup2(output, STDERR_FILENO) < 0) ||
	    (p->user && become_user()))
		_exit(126);
	setenv("TERM", "vt100", 1);
	if (traced)
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execvp(words[0], words);
	_exit(127);
}

static long start(struct program *p, bool traced, char *const *words)
{
	int ends[2];
	long err;

	err = open_output(p, ends);
	if (err)
		return err;
	p->pid = fork();
	if (p->pid < 0)
		return -errno;
	if (!p->pid)
		be_program(p, ends[1], traced, words);
	close(ends[1]);
	p->output = ends[0];
	p->length = 0;
	p->text[0] = '\0';
	return 0;
}

long program_start(struct program *p, char *const *words)
{
	return start(p, false, words);
}

/* Its descriptor of the device, or -1 */
static int find_device(const struct program *p)
{
	char path[64], target[64];
	ssize_t length;
	int fd;

	for (fd = 0; fd < FDS_MAX; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", p->pid, fd);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		if (!strcmp(target, "/dev/iodemo"))
			return fd;
	}
	return -1;
}

/* False: it has ended, or never was. */
static bool stopped(struct program *p)
{
	if (waitpid(p->pid, &p->status, 0) == p->pid && WIFSTOPPED(p->status))
		return true;
	p->pid = 0;
	return false;
}

/* On to where it enters a system call or leaves it; what signals it gets it shall have. */
static bool next_stop(struct program *p, struct __ptrace_syscall_info *info)
{
	long sig = 0;

	while (!ptrace(PTRACE_SYSCALL, p->pid, NULL, sig) && stopped(p)) {
		sig = WSTOPSIG(p->status);
		if (sig == (SIGTRAP | 0x80))
			return ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(*info), info) > 0;
	}
	return false;
}

long program_start_late(struct program *p, int device, char *const *words)
{
	struct __ptrace_syscall_info info;
	bool passing = false;
	long count = 0;
	long err;

	err = start(p, true, words);
	if (err)
		return err;
	if (!stopped(p))
		return -ESRCH;
	if (ptrace(PTRACE_SETOPTIONS, p->pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD))
		return -errno;
	while (next_stop(p, &info)) {
		if (passing && info.op == PTRACE_SYSCALL_INFO_EXIT)
			return count;
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY || find_device(p) < 0)
			continue;
		passing = info.entry.nr == SYS_preadv2;
		err = trigger(device, 1);
		if (err)
			return err;
		count++;
	}
	return -ESRCH;
}

long program_release(struct program *p)
{
	return result(ptrace(PTRACE_DETACH, p->pid, NULL, NULL));
}

static bool read_more(struct program *p)
{
	ssize_t bytes = read(p->output, p->text + p->length, sizeof(p->text) - 1 - p->length);

	if (bytes <= 0)		/* EIO is the end of a terminal */
		return false;
	p->length += bytes;
	p->text[p->length] = '\0';
	return true;
}

bool program_says(struct program *p, const char *text)
{
	while (!strstr(p->text, text))
		if (!read_more(p))
			return false;
	return true;
}

long program_end(struct program *p)
{
	while (read_more(p))
		;
	close(p->output);
	if (p->pid && waitpid(p->pid, &p->status, 0) != p->pid)
		return -ECHILD;
	p->pid = 0;
	return WIFEXITED(p->status) ? WEXITSTATUS(p->status) : 128 + WTERMSIG(p->status);
}

/* What fdinfo tells, or -1: the file is closed */
static long lag_of(const struct program *p, int fd)
{
	static const char name[] = "iodemo-lag:";
	char path[64], text[4096], *lag;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", p->pid, fd);
	if (read_file(path, text, sizeof(text)) <= 0)
		return -1;
	lag = strstr(text, name);
	return lag ? strtol(lag + strlen(name), NULL, 10) : -1;
}

void program_catches_up(struct program *p)
{
	int fd = find_device(p);

	while (lag_of(p, fd) > 0)
		sched_yield();
}

double program_figure(const struct program *p, const char *key)
{
	char quoted[64];
	const char *found;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	found = strstr(p->text, quoted);
	if (!found)
		return -1;
	found += strlen(quoted);
	return !strncmp(found, "null", strlen("null")) ? NAN : strtod(found, NULL);
}

long hogs_start(pid_t *pids, long max)
{
	long i, count = sysconf(_SC_NPROCESSORS_ONLN);

	for (i = 0; i < count && i < max; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			return i;
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				atomic_signal_fence(memory_order_seq_cst);
		}
	}
	return i;
}

void hogs_end(const pid_t *pids, long count)
{
	long i;

	for (i = 0; i < count; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}
