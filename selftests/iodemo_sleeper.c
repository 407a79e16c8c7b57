// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that fall asleep in a system call; see iodemo_sleeper.h.
 */
#include "iodemo_test.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>

static void *sleeper_data(struct sleeper *s)
{
	return s->buf ? s->buf : s->records;
}

static long call_read(struct sleeper *s)
{
	return result(read(s->fd, sleeper_data(s), s->size));
}

static long call_write(struct sleeper *s)
{
	return result(write(s->fd, sleeper_data(s), s->size));
}

static long call_poll(struct sleeper *s)
{
	struct pollfd p = { .fd = s->fd, .events = s->events };
	long ret = result(poll(&p, 1, -1));

	return ret < 0 ? ret : p.revents;
}

static long call_select(struct sleeper *s)
{
	fd_set in, out, pri;
	long ret;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&pri);
	if (s->events & POLLIN)
		FD_SET(s->fd, &in);
	if (s->events & POLLOUT)
		FD_SET(s->fd, &out);
	if (s->events & POLLPRI)
		FD_SET(s->fd, &pri);
	ret = result(select(s->fd + 1, &in, &out, &pri, NULL));
	if (ret < 0)
		return ret;
	return (FD_ISSET(s->fd, &in) ? POLLIN : 0) |
	       (FD_ISSET(s->fd, &out) ? POLLOUT : 0) |
	       (FD_ISSET(s->fd, &pri) ? POLLPRI : 0);
}

static long call_epoll(struct sleeper *s)
{
	struct epoll_event event;
	long ret = result(epoll_wait(s->fd, &event, 1, -1));

	return ret < 0 ? ret : (long)event.events;
}

static long call_trigger(struct sleeper *s)
{
	return result(ioctl(s->fd, IODEMO_TRIGGER, &s->count));
}

static long call_sigwait(struct sleeper *s)
{
	return result(sigwaitinfo(&s->signals, &s->info));
}

struct sleeper reader(int fd, long count)
{
	return (struct sleeper){ .call = call_read, .fd = fd, .size = count * RECORD };
}

struct sleeper writer(int fd, long count)
{
	struct sleeper s = { .call = call_write, .fd = fd, .size = count * RECORD };
	long i;

	for (i = 0; i < count; i++)
		s.records[i] = raw_record("again");
	return s;
}

struct sleeper poller(int fd, int events)
{
	return (struct sleeper){ .call = call_poll, .fd = fd, .events = events };
}

struct sleeper selecter(int fd, int events)
{
	return (struct sleeper){ .call = call_select, .fd = fd, .events = events };
}

struct sleeper epoller(int epfd)
{
	return (struct sleeper){ .call = call_epoll, .fd = epfd };
}

struct sleeper triggerer(int fd, __u32 count)
{
	return (struct sleeper){ .call = call_trigger, .fd = fd, .count = count };
}

struct sleeper signal_waiter(int sig)
{
	struct sleeper s = { .call = call_sigwait };

	sigemptyset(&s.signals);
	sigaddset(&s.signals, sig);
	return s;
}

static void *sleeper_thread(void *arg)
{
	struct sleeper *s = arg;

	s->tid = gettid();
	s->result = s->call(s);
	s->done = true;
	return NULL;
}

bool sleeper_start(struct sleeper *s)
{
	if (pthread_create(&s->thread, NULL, sleeper_thread, s))
		return false;
	while (!s->tid)
		sched_yield();
	return true;
}

static long status_switches(const char *status)
{
	static const char name[] = "\nvoluntary_ctxt_switches:";
	const char *p = strstr(status, name);

	return p ? strtol(p + strlen(name), NULL, 10) : -1;
}

static long task_file(pid_t tid, const char *name, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	return read_file(path, buf, size);
}

/*
 * /proc/TID/syscall tells a number only of a task that is off its processor;
 * that the count of switches is the same before and after makes one picture of
 * the three files.
 */
bool task_sleeps(pid_t tid, long *switches)
{
	char call[256], before[4096], after[4096];

	if (task_file(tid, "status", before, sizeof(before)) <= 0 ||
	    task_file(tid, "syscall", call, sizeof(call)) <= 0 ||
	    task_file(tid, "status", after, sizeof(after)) <= 0)
		return false;
	if (call[0] < '0' || call[0] > '9' || !strstr(after, "\nState:\tS"))
		return false;
	*switches = status_switches(after);
	return *switches == status_switches(before);
}

bool sleeper_sleeps(struct sleeper *s)
{
	while (!task_sleeps(s->tid, &s->switches)) {
		if (s->done)
			return false;
		sched_yield();
	}
	return true;
}

bool falls_asleep(struct sleeper *s)
{
	return sleeper_start(s) && sleeper_sleeps(s);
}

bool undisturbed(struct sleeper *s)
{
	long switches;

	return task_sleeps(s->tid, &switches) && switches == s->switches;
}

long sleeper_result(struct sleeper *s)
{
	pthread_join(s->thread, NULL);
	return s->result;
}

long own_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

int interrupt_sleeper(struct sleeper *s, int sig)
{
	int before = signals_caught;
	int err = pthread_kill(s->thread, sig);

	while (!err && signals_caught == before)
		sched_yield();
	return err;
}
