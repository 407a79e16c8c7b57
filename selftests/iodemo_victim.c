// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that die; see iodemo_victim.h.
 */
#include "iodemo_test.h"

#include <dirent.h>
#include <grp.h>
#include <limits.h>
#include <sys/prctl.h>

/* The kernel forgets who is to be told of whose death when the user changes. */
long become_user(void)
{
	if (setgroups(0, NULL) || setgid(ORDINARY_USER) || setuid(ORDINARY_USER) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	return 0;
}

long user_does(long (*what)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		long ret = become_user();

		if (!ret)
			ret = what(arg);
		_exit(ret < 0 ? -ret : 0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

static long open_it(void *arg)
{
	int *index_and_flags = arg;

	return open_device(index_and_flags[0], index_and_flags[1]);
}

long open_as_user(int index, int flags)
{
	int index_and_flags[] = { index, flags };

	return user_does(open_it, index_and_flags);
}

long count_tasks(pid_t pid)
{
	struct dirent *entry;
	char path[32];
	long count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void be_victim(struct victim *v, int told, int go, int gone)
{
	long begun;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	begun = v->begin(v->arg);
	if (write(told, &begun, sizeof(begun)) != sizeof(begun))
		_exit(1);
	close(told);
	switch (v->death) {
	case DEATH_EXIT:
		_exit(read(go, &byte, 1) != 1);
	case DEATH_SIGKILL:
		for (;;)
			pause();
	case DEATH_EXEC:
		if (read(go, &byte, 1) != 1 || dup2(go, STDIN_FILENO) < 0)
			_exit(1);
		fcntl(gone, F_SETFD, FD_CLOEXEC);
		execlp("cat", "cat", NULL);
		_exit(1);
	}
}

long victim_start(struct victim *v)
{
	int told[2], go[2], gone[2];
	long begun = -EPIPE;

	if (pipe(told) || pipe(go) || pipe(gone))
		return -errno;
	v->pid = fork();
	if (v->pid < 0)
		return -errno;
	if (!v->pid) {
		close(told[0]);
		close(go[1]);
		close(gone[0]);
		be_victim(v, told[1], go[0], gone[1]);
	}
	close(told[1]);
	close(go[0]);
	close(gone[1]);
	v->go = go[1];
	v->gone = gone[0];
	if (read(told[0], &begun, sizeof(begun)) != sizeof(begun))
		begun = -EPIPE;
	close(told[0]);
	return begun;
}

long victim_dies(struct victim *v)
{
	__u64 took, before = clock_ns();
	char byte = 0;
	long err = 0;

	if (v->death == DEATH_SIGKILL)
		err = result(kill(v->pid, SIGKILL));
	else if (write(v->go, &byte, 1) != 1)
		err = -EPIPE;
	if (err)
		return err;
	if (v->death == DEATH_EXEC)
		err = result(read(v->gone, &byte, 1));
	else
		err = waitpid(v->pid, NULL, 0) == v->pid ? 0 : -errno;
	took = clock_ns() - before;
	return err ? err : took < LONG_MAX ? (long)took : LONG_MAX;
}

void victim_end(struct victim *v)
{
	close(v->go);
	close(v->gone);
	if (v->death == DEATH_EXEC)
		waitpid(v->pid, NULL, 0);
}

long unload_after(enum death death)
{
	return death == DEATH_EXEC ? unload_when_free() : unload();
}

/* 100 ms. Where each step is watched only the rest of the test counts. */
long death_limit_ns(void)
{
	return kernel_watches() ? LONG_MAX : 100000000;
}

long quickest_death(enum death death, long (*begin)(void *arg), void *arg)
{
	long best = LONG_MAX;
	int i;

	for (i = 0; i < 32 && best >= death_limit_ns(); i++) {
		struct victim v = { .death = death, .begin = begin, .arg = arg };
		long err = victim_start(&v);
		long took = err ? err : victim_dies(&v);

		if (took < 0)
			return took;
		if (took < best)
			best = took;
		victim_end(&v);
	}
	return best;
}
