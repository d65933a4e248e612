/*
 * Waits for a lock that another has, and says when it got it: with no program to start in between, so that it is told
 * before whatever follows from it.
 * usage: watcher FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>

int main(int argc, char **argv) {
  struct timespec now;
  int file = open(argc > 1 ? argv[1] : "", O_RDONLY);
  if (file < 0 || flock(file, LOCK_SH) != 0) return 1;
  clock_gettime(CLOCK_REALTIME, &now);
  printf("released at %lld.%06ld\n", (long long)now.tv_sec, now.tv_nsec / 1000);
  return 0;
}
