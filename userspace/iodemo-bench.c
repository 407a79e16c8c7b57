// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures what the device costs, beside what one would use instead of it
 *
 * What is measured, and how, is in bench/. Here are the command line and the
 * order of the groups.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "bench/bench.h"
#include "cli.h"

#define SAMPLES		31
#define SAMPLES_MIN	3
#define SAMPLES_MAX	10001

static const struct group {
	const char *name;
	void (*run)(void);
	bool device;		/* no figure without one */
} groups[] = {
	{ "floor",	bench_floor,		false },
	{ "others",	bench_others,		false },
	{ "iodemo",	bench_iodemo,		true },
	{ "async",	bench_async,		true },
	{ "waking",	bench_waking,		true },
	{ "growth",	bench_growth,		true },
	{ "transfer",	bench_transfer,		true },
	{ "service",	bench_service,		true },
	{ "sustained",	bench_sustained,	true },
	{ }
};

static void usage(void)
{
	printf("Usage: %s [OPTION]... [GROUP|FIGURE]...\n\n"
	       "Measures what one operation costs, of the device and of what one would use instead.\n"
	       "A FIGURE can be a pattern, like 'uring-*'; without any, all are measured.\n\n"
	       "  -d, --device PATH    measure PATH (default %s)\n"
	       "  -n, --samples N      of each figure: %u..%u (default %u)\n"
	       "  -i, --instructions   a nanosecond of this machine is an instruction, as with\n"
	       "                       QEMU's -icount shift=0; the group sustained is left out\n"
	       "  -r, --reload         as root, load the module anew for figures that need it\n"
	       "  -m, --module FILE    load FILE then, instead of what modprobe finds\n"
	       "  -j, --json FILE      write the figures to FILE too, each as a line\n"
	       "  -l, --list           the groups and their figures\n"
	       "  -h, --help           this text\n"
	       "  -V, --version        which iodemo this is\n",
	       program_invocation_short_name, IODEMO_DEVICE, SAMPLES_MIN, SAMPLES_MAX, SAMPLES);
}

static void run_groups(bool all)
{
	const struct group *group;

	for (group = groups; group->name; group++) {
		bench_enter(group->name);
		if (all || bench_group_wanted(group->name))
			group->run();
	}
}

/* Better now than after the groups that need none; with --reload it can still come. */
static void check_device(void)
{
	const struct group *group;

	if (bench_options.reload)
		return;
	for (group = groups; group->name; group++) {
		if (group->device && bench_group_wanted(group->name)) {
			close(iodemo_open_or_exit(bench_options.device, O_RDWR));
			return;
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device",		required_argument,	NULL, 'd' },
		{ "samples",		required_argument,	NULL, 'n' },
		{ "instructions",	no_argument,		NULL, 'i' },
		{ "reload",		no_argument,		NULL, 'r' },
		{ "module",		required_argument,	NULL, 'm' },
		{ "json",		required_argument,	NULL, 'j' },
		{ "list",		no_argument,		NULL, 'l' },
		{ "help",		no_argument,		NULL, 'h' },
		{ "version",		no_argument,		NULL, 'V' },
		{ }
	};
	const char *json_path = NULL;
	bool only_list = false;
	int option;

	bench_options.device = IODEMO_DEVICE;
	bench_options.samples = SAMPLES;
	while ((option = getopt_long(argc, argv, "d:n:irm:j:lhV", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			bench_options.device = optarg;
			break;
		case 'n':
			bench_options.samples = iodemo_number("--samples", optarg, SAMPLES_MIN,
							      SAMPLES_MAX);
			break;
		case 'i':
			bench_options.instructions = true;
			break;
		case 'r':
			bench_options.reload = true;
			break;
		case 'm':
			bench_options.module = optarg;
			break;
		case 'j':
			json_path = optarg;
			break;
		case 'l':
			only_list = true;
			break;
		case 'h':
			usage();
			return 0;
		case 'V':
			iodemo_show_version();
		default:
			errx(1, "`%s --help` lists the options", program_invocation_short_name);
		}
	}
	if (bench_options.module && !bench_options.reload)
		errx(1, "--module=%s is of no use without --reload", bench_options.module);

	/* Nothing is wanted yet: this tells which figures there are. */
	run_groups(true);
	if (optind == argc)
		bench_choose_all();
	while (optind < argc)
		bench_choose(argv[optind++]);

	if (only_list) {
		bench_list();
	} else {
		check_device();
		if (json_path)
			bench_json(json_path);
		bench_catch_stop();
		run_groups(false);
	}
	if (fflush(stdout) || ferror(stdout))
		err(1, "standard output");
	return 0;
}
