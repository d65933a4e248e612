/* Of applications that are not done at once: `ask` notes that they are told to stop, `say` says what they do by the time of day. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

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
