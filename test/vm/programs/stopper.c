/*
 * A service that takes its time to stop, and crashes in the middle of it: after its SIGTERM it works on for some seconds, then touches address 0
 * where it is not told to live. Some MiB of data, and says when it was told and when it crashes by the time of day.
 * usage: stopper NAME CRASH_AFTER_SECONDS MIB
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

static volatile int *volatile nowhere;

static void fill(uint8_t *data, size_t size) {
  uint64_t x = 0x9e3779b97f4a7c15; /* xorshift64: the same data at every run */
  for (size_t at = 0; at + 4096 <= size; at += 4096) {
    for (size_t i = 0; i < 1024; i += 8) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      memcpy(data + at + i, &x, 8);
    }
    memset(data + at + 1024, (int)(at >> 12) | 1, 1024);
  }
}

/* Whose its core is going to be. */
static void say_pattern(const char *name) {
  char pattern[129] = "";
  FILE *file = fopen("/proc/sys/kernel/core_pattern", "r");
  if (file == NULL) return;
  if (fgets(pattern, sizeof pattern, file) != NULL) printf("%s: %s", name, pattern);
  fclose(file);
  fflush(stdout);
}

__attribute__((noinline)) static void stop_badly(void) { *nowhere = 1; }

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "stopper";
  unsigned after = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
  size_t size = (argc > 3 ? strtoul(argv[3], NULL, 10) : 1) << 20;
  sigset_t term, before;
  struct sigaction action = {.sa_handler = ask};
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, &before);
  sigaction(SIGTERM, &action, NULL);
  uint8_t *data = malloc(size);
  if (data == NULL) return 1;
  fill(data, size);
  say(name, "started");
  while (!asked) sigsuspend(&before);
  say(name, "told");
  for (unsigned left = after; left > 0; left = sleep(left)) continue;
  say(name, "crashes");
  say_pattern(name);
  stop_badly();
  return data[size - 1];
}
