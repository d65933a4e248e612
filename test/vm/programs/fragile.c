/*
 * A service that crashes when it is asked to stop: its SIGTERM makes it touch address 0, or abort.
 * usage: fragile segv|abrt
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t asked;
static volatile int *nowhere;

static void ask(int signal) {
  (void)signal;
  asked = 1;
}

__attribute__((noinline)) static void stop_badly(const char *how) {
  if (strcmp(how, "abrt") == 0) abort();
  *nowhere = 1;
}

int main(int argc, char **argv) {
  struct sigaction action = {.sa_handler = ask};
  sigset_t term, before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  /* blocked but while it waits: a SIGTERM in between is not missed */
  sigprocmask(SIG_BLOCK, &term, &before);
  sigaction(SIGTERM, &action, NULL);
  while (!asked) sigsuspend(&before);
  stop_badly(argc > 1 ? argv[1] : "segv");
  return 0;
}
