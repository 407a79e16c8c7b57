// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has an exercise been solved? Runs the program, and sees each of its system calls
 * as strace does; fires the device when it is the program's turn to wait, so that
 * each run is like the other one.
 *
 *	check EXERCISE PROGRAM
 *
 * Exit status: 0 when it was, 1 when it was not, 2 for trouble of another kind.
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exercise.h"

#define SECONDS	20	/* that a program may take */

/* A system call of the program: the one that it is in, or was in last */
struct call {
	long number;
	long args[2];
	long ret;
};

struct exercise {
	const char *name;
	unsigned int burst;	/* records an interrupt */
	unsigned int times;	/* interrupts at a time */
	bool shares;		/* its standard input is the device */
	void (*entered)(const struct call *call);
	void (*returned)(const struct call *call);
	void (*asleep)(const struct call *call);
	void (*ended)(void);
};

static const struct exercise *exercise;
static pid_t program;
static int control, shared = -1, output;
static unsigned int fired;
static __u64 first;

/* What it has done so far */
static unsigned int reads, waits, submits, asked;
static bool worked = true, in_handler;

static const struct {
	long number;
	const char *name;
} names[] = {
	{ SYS_read, "read" }, { SYS_readv, "readv" },
	{ SYS_preadv, "preadv" }, { SYS_preadv2, "preadv2" },
	{ SYS_ppoll, "ppoll" }, { SYS_pselect6, "pselect" },
	{ SYS_epoll_pwait, "epoll_pwait" }, { SYS_nanosleep, "nanosleep" },
	{ SYS_clock_nanosleep, "clock_nanosleep" }, { SYS_futex, "futex" },
	{ SYS_io_getevents, "io_getevents" }, { SYS_io_uring_enter, "io_uring_enter" },
	{ SYS_rt_sigsuspend, "sigsuspend" }, { SYS_rt_sigtimedwait, "sigtimedwait" },
#ifdef SYS_poll		/* older architectures have these too */
	{ SYS_poll, "poll" }, { SYS_select, "select" },
	{ SYS_epoll_wait, "epoll_wait" }, { SYS_pause, "pause" },
#endif
};

static const char *name_of(const struct call *call)
{
	static char other[40];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == call->number)
			return names[i].name;
	snprintf(other, sizeof(other), "system call %ld", call->number);
	return other;
}

static bool is(const struct call *call, const char *name)
{
	return !strcmp(name_of(call), name);
}

static void say(const char *verdict, const char *format, va_list ap)
{
	printf("%s: %s: ", exercise->name, verdict);
	vprintf(format, ap);
	printf("\n");
}

static void __attribute__((noreturn, format(printf, 1, 2))) not_yet(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say("not yet", format, ap);
	va_end(ap);
	exit(1);
}

static void __attribute__((format(printf, 1, 2))) right(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say("right", format, ap);
	va_end(ap);
}

/* The device, as the program has it ---------------------------------------- */

static bool is_device(long fd)
{
	char link[64], path[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%d/fd/%ld", program, fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len < 0 ? 0 : len] = '\0';
	return !strcmp(path, "/dev/iodemo");
}

static bool reads_device(const struct call *call)
{
	return strstr(name_of(call), "read") && is_device(call->args[0]);
}

/* The records that wait for it, in the file where most do */
static unsigned int unread(void)
{
	unsigned int most = 0, lag;
	char path[300], line[200];
	struct dirent *entry;
	DIR *folder;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", program);
	folder = opendir(path);
	if (!folder)
		err(2, "%s", path);
	while ((entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", program, entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		while (file && fgets(line, sizeof(line), file))
			if (sscanf(line, "iodemo-lag: %u", &lag) == 1 && lag > most)
				most = lag;
		if (file)
			fclose(file);
	}
	closedir(folder);
	return most;
}

/* The next records. Return: were there any more? */
static bool fire(void)
{
	__u32 times = exercise->times;

	if (fired == RECORDS)
		return false;
	fired += exercise->burst * exercise->times;
	if (ioctl(control, IODEMO_TRIGGER, &times))
		err(2, "TRIGGER");
	return true;
}

static void next(const struct call *call)
{
	if (!fire())
		not_yet("asleep in %s() when all %u records have come, %u of them unread",
			name_of(call), RECORDS, unread());
}

/* The exercises ------------------------------------------------------------ */

static void count_reads(const struct call *call)
{
	reads += reads_device(call);
}

static void blocking_asleep(const struct call *call)
{
	if (!reads_device(call))
		not_yet("it sleeps in %s(), and not in a read of the device", name_of(call));
	next(call);
}

static void blocking_ended(void)
{
	if (reads != RECORDS / 4)
		not_yet("it took %u reads for %u records, and not %u", reads, RECORDS, RECORDS / 4);
	right("%u reads for %u records", reads, RECORDS);
}

static void nonblocking_returned(const struct call *call)
{
	if (call->number == SYS_getppid)
		worked = true;
	if (fcntl(shared, F_GETFL) & O_NONBLOCK)
		not_yet("now the file has O_NONBLOCK for all who share it");
	if (!reads_device(call) || call->ret != -EAGAIN)
		return;
	if (!worked)
		not_yet("it has asked twice, and done nothing in between");
	worked = false;
	if (++asked % 3 == 0)
		fire();
}

static void nonblocking_asleep(const struct call *call)
{
	not_yet("it sleeps in %s()", name_of(call));
}

static void nonblocking_ended(void)
{
	right("%u times in vain for %u records, and never asleep", asked, RECORDS);
}

static bool is_epoll_wait(const struct call *call)
{
	return is(call, "epoll_wait") || is(call, "epoll_pwait");
}

static void multiplexing_returned(const struct call *call)
{
	waits += is_epoll_wait(call);
}

static void multiplexing_asleep(const struct call *call)
{
	if (!is_epoll_wait(call))
		not_yet("it sleeps in %s(), and not in epoll_wait()", name_of(call));
	if (unread())
		not_yet("it sleeps in %s() with %u records unread: their edge has been",
			name_of(call), unread());
	next(call);
}

static void multiplexing_ended(void)
{
	if (waits != RECORDS / exercise->burst)
		not_yet("it called epoll_wait() %u times for %u arrivals", waits,
			RECORDS / exercise->burst);
	right("%u calls of epoll_wait() for %u arrivals of %u records", waits, waits,
	      exercise->burst);
}

/* The program is stopped here, so what is fired is one pending signal. */
static void signal_returned(const struct call *call)
{
	if (reads_device(call)) {
		reads++;
		if (!in_handler)
			not_yet("it reads outside of the signal handler");
	}
	if (call->number == SYS_fcntl && call->args[1] == F_SETFL && !fired &&
	    is_device(call->args[0]))
		fire();
}

static void signal_entered(const struct call *call)
{
	if (call->number != SYS_rt_sigreturn)
		return;
	if (unread())
		not_yet("its handler leaves %u records unread, and no signal will tell of them",
			unread());
	in_handler = false;
	waits++;
	fire();
}

static void signal_asleep(const struct call *call)
{
	not_yet("it sleeps in %s()", name_of(call));
}

static void signal_ended(void)
{
	right("%u reads in %u signals for %u records", reads, waits, RECORDS);
}

static void async_returned(const struct call *call)
{
	if (reads_device(call))
		not_yet("it copies by itself, in %s()", name_of(call));
	submits += call->number == SYS_io_submit;
	waits += is(call, "io_getevents");
}

static void async_asleep(const struct call *call)
{
	if (!is(call, "io_getevents"))
		not_yet("it sleeps in %s(), and not in io_getevents()", name_of(call));
	next(call);
}

static void async_ended(void)
{
	unsigned int turns = RECORDS / exercise->burst;

	if (submits != turns || waits != turns)
		not_yet("io_submit() %u times and io_getevents() %u times, and not %u each",
			submits, waits, turns);
	right("%u calls of io_submit(), %u of io_getevents(), none of read() for %u records",
	      submits, waits, RECORDS);
}

static void nothing(const struct call *call)
{
	(void)call;
}

static const struct exercise exercises[] = {
	{ "blocking", 1, 1, false, nothing, count_reads, blocking_asleep, blocking_ended },
	{ "nonblocking", 1, 1, true, nothing, nonblocking_returned, nonblocking_asleep,
	  nonblocking_ended },
	{ "multiplexing", 3, 1, false, nothing, multiplexing_returned, multiplexing_asleep,
	  multiplexing_ended },
	{ "signal", 1, 3, false, signal_entered, signal_returned, signal_asleep, signal_ended },
	{ "async", 4, 1, false, nothing, async_returned, async_asleep, async_ended },
};

/* The program --------------------------------------------------------------- */

static int open_shared(void)
{
	struct iodemo_client_config config = { .format = IODEMO_FORMAT_RAW, .low_water = 1 };
	int fd = open("/dev/iodemo", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, IODEMO_SET_CLIENT, &config))
		err(2, "/dev/iodemo");
	return fd;
}

static void prepare_device(void)
{
	struct iodemo_config config = { .burst = exercise->burst };
	struct iodemo_stats stats;

	control = open("/dev/iodemo", O_RDWR | O_CLOEXEC);
	if (control < 0 || ioctl(control, IODEMO_SET_CONFIG, &config) ||
	    ioctl(control, IODEMO_GET_STATS, &stats))
		err(2, "/dev/iodemo");
	first = stats.records;
	if (exercise->shares)
		shared = open_shared();
}

static void start(const char *path)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		err(2, "pipe");
	fflush(stdout);
	program = fork();
	if (program < 0)
		err(2, "fork");
	if (!program) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		dup2(exercise->shares ? shared : null, STDIN_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execl(path, path, NULL);
		err(2, "%s", path);
	}
	close(ends[1]);
	output = ends[0];
	if (waitpid(program, NULL, 0) != program ||
	    ptrace(PTRACE_SETOPTIONS, program, NULL, PTRACE_O_TRACESYSGOOD |
		   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL))
		err(2, "ptrace");
}

/* A line of one of its files in /proc that begins so: what follows, or "" */
static const char *proc(const char *name, const char *begin, char *line, size_t size)
{
	char path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", program, name);
	file = fopen(path, "r");
	if (!file)
		err(2, "%s", path);
	while (fgets(line, size, file))
		if (!strncmp(line, begin, strlen(begin))) {
			fclose(file);
			return line + strlen(begin);
		}
	fclose(file);
	return "";
}

/*
 * A task says that it sleeps a little before it does, and may find that it need not:
 * the file syscall has a number only for one that is off its processor, and the
 * count of its switches shows that all three looks saw the same sleep.
 */
static bool is_asleep(void)
{
	static const char switches[] = "voluntary_ctxt_switches:";
	char before[64], line[256];

	proc("status", switches, before, sizeof(before));
	if (*proc("syscall", "", line, sizeof(line)) == 'r' ||	/* running */
	    strncmp(proc("status", "State:\t", line, sizeof(line)), "S", 1))
		return false;
	proc("status", switches, line, sizeof(line));
	return !strcmp(before, line);
}

/* It has stopped at the beginning of a system call, or at its end. */
static void at_call(struct call *call)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, program, sizeof(info), &info) < 0)
		err(2, "PTRACE_GET_SYSCALL_INFO");
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		call->number = info.entry.nr;
		call->args[0] = info.entry.args[0];
		call->args[1] = info.entry.args[1];
		exercise->entered(call);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		call->ret = info.exit.rval;
		exercise->returned(call);
	}
}

/* Return: its status when it has ended */
static int watch(void)
{
	struct call call = { .number = -1 };
	int status, sig = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, program, NULL, sig))
			err(2, "PTRACE_SYSCALL");
		while (!waitpid(program, &status, WNOHANG)) {
			if (is_asleep())
				exercise->asleep(&call);
			sched_yield();
		}
		if (!WIFSTOPPED(status))
			return status;
		sig = 0;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			at_call(&call);
		} else if (WSTOPSIG(status) != SIGTRAP) {
			sig = WSTOPSIG(status);
			in_handler = true;
		}
	}
}

static void check_output(void)
{
	FILE *file = fdopen(output, "r");
	unsigned long long seq;
	unsigned int i;

	for (i = 0; fscanf(file, "%llu", &seq) == 1; i++)
		if (seq != first + i)
			not_yet("record %u that it took has seq %llu, and not %llu", i + 1, seq,
				first + i);
	if (i != RECORDS)
		not_yet("it took %u records of %u", i, RECORDS);
}

static void too_long(int sig)
{
	static const char text[] = "not yet: it goes on and on\n";

	(void)sig;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(1);
}

int main(int argc, char **argv)
{
	int status;

	for (size_t i = 0; argc == 3 && i < sizeof(exercises) / sizeof(exercises[0]); i++)
		if (!strcmp(argv[1], exercises[i].name))
			exercise = &exercises[i];
	if (!exercise)
		errx(2, "usage: check blocking|nonblocking|multiplexing|signal|async PROGRAM");

	signal(SIGALRM, too_long);
	alarm(SECONDS);
	prepare_device();
	start(argv[2]);
	status = watch();
	if (WIFSIGNALED(status))
		not_yet("it was killed by signal %d, %s", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		not_yet("it ended with status %d", WEXITSTATUS(status));
	check_output();
	exercise->ended();
	return 0;
}
