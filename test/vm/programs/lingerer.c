/*
 * An application that is not done at once: says "beat" every half second, on SIGTERM "stopping", works on for some
 * seconds, says "stopped" and ends. Every line carries the time of day by its own clock.
 * With a PATH it is done earlier: when that is no more.
 * usage: lingerer NAME SECONDS [PATH]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t asked;

static void ask(int signal) {
  (void)signal;
  asked = 1;
}

static void say(const char *name, const char *what) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  printf("%s %s at %lld.%06ld\n", name, what, (long long)now.tv_sec, now.tv_nsec / 1000);
  fflush(stdout);
}

static void rest(void) {
  struct timespec half = {0, 500000000};
  nanosleep(&half, NULL);
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "lingerer";
  int seconds = argc > 2 ? atoi(argv[2]) : 0;
  const char *path = argc > 3 ? argv[3] : "/";
  struct sigaction action = {.sa_handler = ask};
  sigaction(SIGTERM, &action, NULL);
  say(name, "started");
  while (!asked) {
    rest();
    if (!asked) say(name, "beat");
  }
  say(name, "stopping");
  for (int i = 0; i < 2 * seconds && access(path, F_OK) == 0; i++) {
    rest();
    say(name, "works on");
  }
  say(name, "stopped");
  return 0;
}
