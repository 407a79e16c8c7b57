// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records what a command, the kernel and the device do, with trace-cmd, and draws
 * how one record came to the program
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "trace/story.h"

/* What trace-cmd is to record; the clock is that of the records' timestamps. */
static const char *const begin[] = {
	"trace-cmd", "start", "-C", "mono", "-b", "16384", "-e", "iodemo", "-e", "syscalls",
	"-e", "sched:sched_switch", "-e", "sched:sched_waking", "-e", "irq:irq_handler_entry",
	"-e", "irq:irq_handler_exit", "-e", "signal:signal_deliver", NULL
};

static const char *const end[] = { "trace-cmd", "stop", NULL };

static const char *const reset[] = { "trace-cmd", "reset", NULL };

static void usage(void)
{
	printf("Usage: %s [OPTION]... [--] COMMAND [ARGUMENT]...\n"
	       "       %s [OPTION]... --input FILE\n\n"
	       "Records a command together with the device's events, system calls, and switches of\n"
	       "tasks, and draws how one record came to it.\n\n"
	       "  -o, --output FILE    the recording, for trace-cmd and KernelShark (default trace.dat)\n"
	       "  -i, --input FILE     run nothing; draw this recording\n"
	       "  -t, --text           draw it in characters, 80 columns wide\n"
	       "  -s, --svg FILE       draw it as a picture\n"
	       "  -n, --name NAME      of what it is a picture (default: the command's name)\n"
	       "  -h, --help           this text\n"
	       "  -V, --version        which iodemo this is\n\n"
	       "To record takes root and trace-cmd. The exit status is the command's. man iodemo-trace\n"
	       "tells how to read the picture.\n",
	       program_invocation_short_name, program_invocation_short_name);
}

/* Return: its exit status, as a shell would say it. What it prints goes to @output, if not NULL. */
static int run(const char *const *argv, FILE *output)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		if (output) {
			dup2(fileno(output), STDOUT_FILENO);
			dup2(fileno(output), STDERR_FILENO);
		}
		execvp(argv[0], (char **)argv);
		warn("%s", argv[0]);
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* It tells much that nobody needs to know when all goes well. */
static void trace_cmd(const char *const *argv)
{
	FILE *output = tmpfile();
	int status, character;

	if (!output)
		err(1, "a temporary file");
	status = run(argv, output);
	if (status == 127)
		errx(1, "trace-cmd is missing: install the package trace-cmd");
	rewind(output);
	while (status && (character = fgetc(output)) != EOF)
		fputc(character, stderr);
	fclose(output);
	if (status)
		errx(1, "trace-cmd %s failed with status %d; recording takes root, and %s",
		     argv[1], status, "tracefs in /sys/kernel/tracing");
}

/* Ctrl-C ends the command, and what it had done by then is drawn. */
static int record(char **command, const char *path)
{
	const char *const extract[] = { "trace-cmd", "extract", "-o", path, NULL };
	int status;

	signal(SIGINT, SIG_IGN);
	trace_cmd(begin);
	status = run((const char *const *)command, NULL);
	trace_cmd(end);
	trace_cmd(extract);
	trace_cmd(reset);
	return status;
}

/* "iodemo-blocking" is called blocking, and "build/report/blocking.dat" too. */
static const char *name_of(char *path)
{
	char *name = strrchr(path, '/');
	char *dot;

	name = strdup(name ? name + 1 : path);
	if (!name)
		err(1, "%s", path);
	dot = strrchr(name, '.');
	if (dot && dot != name)
		*dot = '\0';
	return strncmp(name, "iodemo-", strlen("iodemo-")) ? name : name + strlen("iodemo-");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output",	required_argument,	NULL, 'o' },
		{ "input",	required_argument,	NULL, 'i' },
		{ "text",	no_argument,		NULL, 't' },
		{ "svg",	required_argument,	NULL, 's' },
		{ "name",	required_argument,	NULL, 'n' },
		{ "help",	no_argument,		NULL, 'h' },
		{ "version",	no_argument,		NULL, 'V' },
		{ }
	};
	char *output = NULL, *input = NULL;
	const char *name = NULL, *svg = NULL;
	struct recording recording;
	struct story story;
	bool text = false;
	int option, status = 0;

	while ((option = getopt_long(argc, argv, "+o:i:ts:n:hV", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			output = optarg;
			break;
		case 'i':
			input = optarg;
			break;
		case 't':
			text = true;
			break;
		case 's':
			svg = optarg;
			break;
		case 'n':
			name = optarg;
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
	if (input && (output || optind < argc))
		errx(1, "--input draws what was recorded; it takes no --output and no command");
	if (!input && optind == argc)
		errx(1, "a command, or --input FILE, is missing; `%s --help` tells more",
		     program_invocation_short_name);
	if (input && !text && !svg)
		text = true;

	if (!input) {
		input = output ?: "trace.dat";
		status = record(argv + optind, input);
		name = name ?: name_of(argv[optind]);
	}
	if (!text && !svg)
		return status;

	recording_open(&recording, input);
	story_tell(&story, &recording, name ?: name_of(input));
	if (recording.missed)
		warnx("%s: %llu events did not fit into the kernel's buffer, and are missing",
		      input, recording.missed);
	if (svg)
		draw_svg(&story, svg);
	if (text)
		draw_text(&story);
	story_free(&story);
	recording_close(&recording);
	if (fflush(stdout))
		err(1, "standard output");
	return status;
}
