// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspending the machine; see iodemo_suspend.h.
 */
#include "iodemo_suspend.h"
#include "iodemo_hostile.h"

/*
 * At first; more when it came too early. In the last moments of going down no
 * handler runs any more, and an alarm that comes then is lost: the machine
 * sleeps on. A busy one was seen to take 2.3 s until it was down.
 */
#define ALARM_S		8
#define ALARM_MAX_S	64

#define PM_TEST		"/sys/power/pm_test"
#define PM_TEST_DELAY	"/sys/module/suspend/parameters/pm_test_delay"
#define WAKE_ALARM	"/sys/class/rtc/rtc0/wakealarm"
#define WAKEUP_COUNT	"/sys/power/wakeup_count"
#define MEM_SLEEP	"/sys/power/mem_sleep"
#define STATE		"/sys/power/state"

static bool has_word(const char *path, const char *word)
{
	char words[4096];

	return read_file(path, words, sizeof(words)) > 0 && strstr(words, word);
}

const char *suspend_unsuited(const char *level)
{
	if (!booted_with("no_console_suspend"))
		return "the kernel's command line lacks no_console_suspend";
	if (level) {
		if (!has_word(STATE, "freeze"))
			return "this kernel can't be suspended";
		if (access(PM_TEST, W_OK))
			return "this kernel can't test how it is suspended";
	} else {
		if (!has_word(STATE, "mem") || !has_word(MEM_SLEEP, "deep"))
			return "this machine can't be suspended to memory";
		if (access(WAKE_ALARM, W_OK))
			return "there is no clock that could end it";
	}
	return NULL;
}

/* As far as this level, and back */
static long test_suspend(const char *level)
{
	char delay[16];
	long err;

	snprintf(delay, sizeof(delay), "%d", SUSPEND_DELAY_S);
	err = write_file(PM_TEST_DELAY, delay);
	if (!err)
		err = write_file(PM_TEST, level);
	if (err)
		return err;
	err = write_file(STATE, "freeze");
	write_file(PM_TEST, "none");
	return err;
}

/*
 * What wakes the machine is counted from before the alarm is set. So one that
 * comes before the machine is down ends the attempt (EBUSY), and is not missed.
 */
static long try_to_suspend(int seconds)
{
	char count[32], alarm[16];
	long err;

	snprintf(alarm, sizeof(alarm), "+%d", seconds);
	err = write_file(WAKE_ALARM, "0");
	if (err)
		return err;
	err = read_file(WAKEUP_COUNT, count, sizeof(count));
	if (err < 0)
		return err;
	/* EINVAL: something has happened since it was read. */
	err = write_file(WAKEUP_COUNT, count);
	if (err)
		return err == -EINVAL ? -EBUSY : err;
	err = write_file(WAKE_ALARM, alarm);
	return err ? err : write_file(STATE, "mem");
}

long suspend_machine(const char *level)
{
	int seconds;
	long err;

	if (level)
		return test_suspend(level);
	err = write_file(MEM_SLEEP, "deep");
	if (err)
		return err;
	for (seconds = ALARM_S; seconds <= ALARM_MAX_S; seconds *= 2) {
		err = try_to_suspend(seconds);
		if (err != -EBUSY)
			break;
	}
	return err;
}
