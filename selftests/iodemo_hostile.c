// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of hostile programs share; see iodemo_hostile.h.
 */
#include "iodemo_hostile.h"

#include <limits.h>

bool booted_with(const char *word)
{
	char line[4096], *w, *next;

	if (read_file("/proc/cmdline", line, sizeof(line)) < 0)
		return false;
	for (w = strtok_r(line, "\n ", &next); w; w = strtok_r(NULL, "\n ", &next)) {
		if (!strcmp(w, word))
			return true;
	}
	return false;
}

long processors_online(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

long pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return result(sched_setaffinity(0, sizeof(set), &set));
}

long allow_files(rlim_t count)
{
	struct rlimit limit = { count, count };

	return result(setrlimit(RLIMIT_NOFILE, &limit));
}

/* The line */

#define IRQS	4096
#define ENOUGH	1000	/* interrupts, to judge by */

/* The number of this interrupt, or -1 */
static int irq_number(const char *name)
{
	char path[64];
	int irq;

	for (irq = 0; irq < IRQS; irq++) {
		snprintf(path, sizeof(path), "/proc/irq/%d/%s", irq, name);
		if (!access(path, F_OK))
			return irq;
	}
	return -1;
}

const char *line_fault(int fd)
{
	long before = STAT(fd, interrupts), counted = proc_interrupts("iodemo");
	static char fault[128];
	unsigned int count, unhandled;
	char path[64], text[256];

	if (trigger(fd, 5))
		return "TRIGGER failed";
	if (STAT(fd, interrupts) != before + 5)
		return "not all interrupts came";
	if (proc_interrupts("iodemo") != counted + 5)
		return "/proc/interrupts counts others";
	snprintf(path, sizeof(path), "/proc/irq/%d/spurious", irq_number("iodemo"));
	if (read_file(path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "count %u unhandled %u", &count, &unhandled) != 2)
		return "the kernel does not tell how many were handled";
	if (count >= ENOUGH && count - unhandled <= count / 1000) {
		snprintf(fault, sizeof(fault), "of %u interrupts %u were not handled", count,
			 unhandled);
		return fault;
	}
	return "";
}

long enough(long interrupts)
{
	return kernel_watches() ? interrupts / 10 : interrupts;
}

/* Busy programs */

static void *meter_thread(void *arg)
{
	struct meter *m = arg;
	__u64 begin, last, now;

	pin_to(m->cpu);
	begin = clock_ns();
	last = begin;
	m->runs = true;
	while (last - begin < m->duration) {
		now = clock_ns();
		if (now - last > m->gap)
			m->gap = now - last;
		last = now;
		m->loops++;
	}
	return NULL;
}

bool meter_start(struct meter *m)
{
	if (pthread_create(&m->thread, NULL, meter_thread, m))
		return false;
	while (!m->runs)
		sched_yield();
	return true;
}

void meter_wait(struct meter *m)
{
	pthread_join(m->thread, NULL);
}

#define METERS	64

long measure_busy_loops(__u64 duration)
{
	static struct meter meters[METERS];
	long count = processors_online();
	long least = LONG_MAX;
	int i;

	if (count > METERS)
		count = METERS;
	for (i = 0; i < count; i++) {
		meters[i] = (struct meter){ .cpu = i, .duration = duration };
		if (pthread_create(&meters[i].thread, NULL, meter_thread, &meters[i]))
			return -1;
	}
	for (i = 0; i < count; i++) {
		meter_wait(&meters[i]);
		if (meters[i].loops < least)
			least = meters[i].loops;
	}
	return least;
}

/* An ordinary user */

bool opener_start(struct opener *o)
{
	int ask[2], answer[2], flags;
	long ret;

	if (pipe(ask) || pipe(answer))
		return false;
	o->ask = ask[1];
	o->answer = answer[0];
	o->pid = fork();
	if (o->pid)
		return o->pid > 0;
	close(ask[1]);
	close(answer[0]);
	if (become_user())
		_exit(1);
	while (read(ask[0], &flags, sizeof(flags)) == sizeof(flags)) {
		ret = open_device(0, flags);
		if (ret >= 0)
			ret = result(close(ret));
		if (write(answer[1], &ret, sizeof(ret)) != sizeof(ret))
			_exit(1);
	}
	_exit(0);
}

long user_opens(struct opener *o, int flags)
{
	long ret;

	if (write(o->ask, &flags, sizeof(flags)) != sizeof(flags) ||
	    read(o->answer, &ret, sizeof(ret)) != sizeof(ret))
		return -EPIPE;
	return ret;
}
