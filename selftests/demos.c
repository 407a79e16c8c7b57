// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demos: what they show is true, whatever else the machine does meanwhile.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"
#include "iodemo_program.h"

#include <math.h>

#define PROCESSORS	16
#define RECORDS		5

static bool has_figures(struct program *p)
{
	return !strstr(p->text, "\"unavailable\":");
}

/* What came before the loop is not the model's: one row for each interface */
FIXTURE(head) {
	int fd;
	struct program demo;
};

/*
 * System calls for RECORDS records that come one by one; those that asked in vain
 * are more, each with as many others as @vain says.
 */
FIXTURE_VARIANT(head) {
	char *program;
	char *api;
	long min, max;
	long vain;
};

#define DEMO_AND_API(model_, api_, min_, max_, vain_)			\
	FIXTURE_VARIANT_ADD(head, model_##_##api_) {			\
		.program = "iodemo-" #model_,				\
		.api = #api_,						\
		.min = min_,						\
		.max = max_,						\
		.vain = vain_,						\
	}

DEMO_AND_API(blocking, read, RECORDS, RECORDS, 0);
DEMO_AND_API(nonblocking, read, RECORDS, RECORDS, 1);
DEMO_AND_API(multiplexing, select, 2 * RECORDS, 2 * RECORDS, 2);
DEMO_AND_API(multiplexing, poll, 2 * RECORDS, 2 * RECORDS, 2);
DEMO_AND_API(multiplexing, epoll, 2 * RECORDS, 2 * RECORDS, 2);
/* Who has taken from the mapped ring looks there again, and may find the next */
DEMO_AND_API(async, uring_cmd, 1, RECORDS, 0);
DEMO_AND_API(zerocopy, mmap, 1, RECORDS, 0);
/* The last handler doesn't ask again, but returns too */
DEMO_AND_API(signal, sigio, RECORDS + 1, RECORDS + 1, 2);
DEMO_AND_API(signal, realtime, RECORDS + 1, RECORDS + 1, 2);
DEMO_AND_API(async, posix, RECORDS, RECORDS, 0);
DEMO_AND_API(async, libaio, 2, 1 + RECORDS, 0);
DEMO_AND_API(async, io_uring, 1, 1, 0);
DEMO_AND_API(zerocopy, read, RECORDS, RECORDS, 0);
DEMO_AND_API(zerocopy, splice, 2 * RECORDS, 2 * RECORDS, 0);

FIXTURE_VARIANT_ADD(head, async_multishot) {
	.program = "iodemo-async",
	.api = "io_uring-multishot",
	.min = 1,
	.max = 1,
};

FIXTURE_SETUP(head)
{
	if (!program_there(variant->program))
		SKIP(return, "%s is not installed", variant->program);
	ASSERT_EQ(0, load("capacity=1024"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(head)
{
	if (self->demo.pid > 0) {
		kill(self->demo.pid, SIGKILL);
		waitpid(self->demo.pid, NULL, 0);
	}
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

TEST_F(head, what_was_stored_before_the_loop_is_passed_over)
{
	char *const words[] = { variant->program, "--json", "-n", "5", "-a", variant->api, NULL };
	struct program *demo = &self->demo;
	long late, calls, eagains, i;
	__u64 released;

	late = program_start_late(demo, self->fd, words);
	if (late == -ESRCH) {
		ASSERT_EQ(2, program_end(demo));
		ASSERT_FALSE(has_figures(demo));
		ASSERT_FALSE(since_6_7());
		SKIP(return, "this kernel is too old for %s", variant->api);
	}
	EXPECT_LT(1, late);
	released = clock_ns();
	ASSERT_EQ(0, program_release(demo));
	for (i = 0; i < RECORDS; i++) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		program_catches_up(demo);
	}
	ASSERT_EQ(0, program_end(demo));

	EXPECT_EQ(RECORDS, program_figure(demo, "records"));
	EXPECT_EQ(0, program_figure(demo, "lost"));
	EXPECT_EQ(0, program_figure(demo, "corrupt"));
	EXPECT_GT((clock_ns() - released) / 1e3, program_figure(demo, "max_us"));
	calls = program_figure(demo, "calls");
	eagains = program_figure(demo, "eagains");
	EXPECT_LE(variant->min, calls - variant->vain * eagains);
	EXPECT_GE(variant->max, calls - variant->vain * eagains);
}

/* The lesson: asleep none, asking some, told most; on a busy machine too */
FIXTURE(lesson) {
	pid_t hogs[PROCESSORS];
	long hog_count;
};

FIXTURE_VARIANT(lesson) {
	bool busy;
};

FIXTURE_VARIANT_ADD(lesson, alone) {
	.busy = false,
};

FIXTURE_VARIANT_ADD(lesson, busy) {
	.busy = true,
};

FIXTURE_SETUP(lesson)
{
	if (!program_there("iodemo-blocking"))
		SKIP(return, "the demos are not installed");
	ASSERT_EQ(0, load("capacity=1024"));
	if (variant->busy) {
		self->hog_count = hogs_start(self->hogs, PROCESSORS);
		ASSERT_LT(0, self->hog_count);
	}
}

FIXTURE_TEARDOWN(lesson)
{
	hogs_end(self->hogs, self->hog_count);
	EXPECT_EQ(0, unload_when_free());
}

/* Half a second of interrupts; where each step is watched, and takes long, fewer of them */
static double work_of(char *program, char *api)
{
	struct program demo = { };
	bool watched = kernel_watches();

	if (PROGRAM_RUN(&demo, program, "--json", "-a", api, "-n", watched ? "25" : "250",
			"-p", watched ? "20000" : "2000"))
		return -1;
	return program_figure(&demo, "work_percent");
}

TEST_F_TIMEOUT(lesson, asleep_none_asking_some_told_most, 120)
{
	double asking = work_of("iodemo-nonblocking", "read");

	EXPECT_EQ(0, work_of("iodemo-blocking", "read"));
	EXPECT_EQ(0, work_of("iodemo-multiplexing", "epoll"));
	EXPECT_LT(0, asking);
	EXPECT_LT(asking, work_of("iodemo-signal", "sigio"));
	EXPECT_LT(asking, work_of("iodemo-signal", "realtime"));
	EXPECT_LT(asking, work_of("iodemo-async", "libaio"));
	EXPECT_LT(asking, work_of("iodemo-async", "io_uring"));
}

/* The rest */
FIXTURE(demos) {
	int fd;
	struct program demo;
};

FIXTURE_SETUP(demos)
{
	if (!program_there("iodemo-blocking"))
		SKIP(return, "the demos are not installed");
	ASSERT_EQ(0, load("devices=1"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

IODEMO_FIXTURE_TEARDOWN(demos)

/* Wait until it sleeps, and press Ctrl-C. */
static long interrupted(struct program *demo)
{
	long switches;

	while (!task_sleeps(demo->pid, &switches))
		sched_yield();
	if (kill(demo->pid, SIGINT))
		return -errno;
	return program_end(demo);
}

TEST_F(demos, a_program_that_had_to_wait_says_that_the_machine_was_busy)
{
	pid_t hogs[PROCESSORS];
	long count;

	if (access("/proc/self/schedstat", R_OK))
		SKIP(return, "this kernel doesn't tell how long a task had to wait");
	count = hogs_start(hogs, PROCESSORS);
	EXPECT_EQ(0, PROGRAM_RUN(&self->demo, "iodemo-nonblocking", "-p", "2000", "-n", "250"));
	hogs_end(hogs, count);
	EXPECT_NE(NULL, strstr(self->demo.text, "\nThis machine was busy"));
}

TEST_F(demos, what_was_never_measured_is_null)
{
	ASSERT_EQ(0, PROGRAM_START(&self->demo, "iodemo-blocking", "--json"));
	ASSERT_EQ(0, interrupted(&self->demo));
	EXPECT_EQ(0, program_figure(&self->demo, "records"));
	EXPECT_TRUE(isnan(program_figure(&self->demo, "p50_us")));
	EXPECT_TRUE(isnan(program_figure(&self->demo, "max_us")));
	EXPECT_TRUE(isnan(program_figure(&self->demo, "calls_a_record")));
	EXPECT_NE(NULL, strstr(self->demo.text, "\"latency_quantiles_us\":[],"));
	EXPECT_NE(NULL, strstr(self->demo.text, "\"latency_histogram_ns\":[],"));
}

TEST_F(demos, what_was_never_measured_is_a_dash)
{
	ASSERT_EQ(0, PROGRAM_START(&self->demo, "iodemo-blocking"));
	ASSERT_EQ(0, interrupted(&self->demo));
	EXPECT_NE(NULL, strstr(self->demo.text, "  latency p50            - "));
}

TEST_F(demos, histogram_has_each_record_once)
{
	long bound, records, length, total = 0;
	const char *row;

	ASSERT_EQ(0, PROGRAM_RUN(&self->demo, "iodemo-blocking", "--json", "-p", "1000",
				 "-n", "100"));
	row = strstr(self->demo.text, "\"latency_histogram_ns\":[");
	ASSERT_NE(NULL, row);
	row += strlen("\"latency_histogram_ns\":");
	for (; sscanf(row, "%*1[[,][%ld,%ld]%ln", &bound, &records, &length) == 2; row += length) {
		EXPECT_EQ(0, bound & (bound - 1));
		EXPECT_LT(0, records);
		total += records;
	}
	EXPECT_EQ(']', *row);
	EXPECT_EQ(100, total);
}

TEST_F(demos, an_api_is_named_once)
{
	self->demo.errors = true;
	EXPECT_EQ(1, PROGRAM_RUN(&self->demo, "iodemo-signal", "-a", "sigio", "-a", "realtime"));
	EXPECT_NE(NULL, strstr(self->demo.text, "--api=realtime is one too many"));
}

TEST_F(demos, overflow_is_about_the_realtime_signal)
{
	self->demo.errors = true;
	EXPECT_EQ(1, PROGRAM_RUN(&self->demo, "iodemo-signal", "--overflow", "-a", "sigio"));
	EXPECT_NE(NULL, strstr(self->demo.text, "--overflow is about --api=realtime"));
	EXPECT_EQ(0, PROGRAM_RUN(&self->demo, "iodemo-signal", "--overflow", "-a", "realtime"));
	EXPECT_EQ(1, PROGRAM_RUN(&self->demo, "iodemo-blocking", "--overflow"));
}

static long count_of(const char *text, const char *what)
{
	long count = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		count++;
	}
	return count;
}

TEST_F_TIMEOUT(demos, comparison_gives_a_run_for_each_row, 60)
{
	ASSERT_EQ(0, PROGRAM_RUN(&self->demo, "iodemo-compare", "--json", "-n", "2"));
	EXPECT_EQ(1, count_of(self->demo.text, "\"complete\":true"));
	EXPECT_EQ(15, count_of(self->demo.text, "{\"model\":"));
	EXPECT_EQ(since_6_7() ? 0 : 2, count_of(self->demo.text, "\"unavailable\":"));
	EXPECT_EQ(0, count_of(self->demo.text, "\"failed\":"));
}

/* One file has it for all, the module too. */
TEST_F(demos, programs_are_of_one_version_with_the_module)
{
	static char *const names[] = {
		"iodemo-blocking", "iodemo-nonblocking", "iodemo-multiplexing", "iodemo-signal",
		"iodemo-async", "iodemo-zerocopy", "iodemo-cow", "iodemo-transfer", "iodemo-uio",
		"iodemo-compare", "iodemo-ctl", "iodemo-bench", "iodemo-trace", "iodemo-report",
	};
	char version[32], expected[128];
	size_t i;

	ASSERT_LT(0, read_file("/sys/module/iodemo/version", version, sizeof(version)));
	version[strcspn(version, "\n")] = '\0';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(expected, sizeof(expected), "%s (iodemo) %s, interface %d\n", names[i],
			 version, IODEMO_VERSION);
		EXPECT_EQ(0, PROGRAM_RUN(&self->demo, names[i], "--version"));
		EXPECT_STREQ(expected, self->demo.text);
	}
}

TEST_HARNESS_MAIN
