/*
 * Ends a cgroup as systemd-oomd does (systemd, src/oom/oomd-util.c, oomd_cgroup_kill()): counts it on the group itself, where process 1 reads it, and kills
 * whoever is in it.
 * usage: oomd CGROUP, a directory
 */
#include <signal.h>
#include <stdio.h>
#include <sys/xattr.h>

int main(int argc, char **argv) {
  char path[4096], count[16];
  int pid, killed = 0;
  if (argc < 2) return 1;
  if (setxattr(argv[1], "user.oomd_ooms", "1", 1, 0) != 0) {
    perror("setxattr");
    return 1;
  }
  snprintf(path, sizeof path, "%s/cgroup.procs", argv[1]);
  FILE *procs = fopen(path, "r");
  if (procs == NULL) return 1;
  while (fscanf(procs, "%d", &pid) == 1) killed += kill(pid, SIGKILL) == 0;
  fclose(procs);
  int length = snprintf(count, sizeof count, "%d", killed);
  return setxattr(argv[1], "user.oomd_kill", count, length, 0) != 0 || killed == 0;
}
