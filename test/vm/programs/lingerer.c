/*
 * An application that is not done at once: says "beat" every half second, on SIGTERM "stopping", works on for some
 * seconds, says "stopped" and ends. Every line carries the time of day by its own clock.
 * With a PATH it is done earlier: when that is no more.
 * usage: lingerer NAME SECONDS [PATH]
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

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
