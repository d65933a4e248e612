/*
 * Has children until the machine is out of PIDs, says so on the console, and takes every PID that is freed. Does not stop
 * when it is asked to.
 * usage: hoarder SECONDS before it starts
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static const char full[] = "hoarder: no PID is left\n";

__attribute__((noinline)) static void idle(void) {
  for (;;) pause();
}

__attribute__((noinline)) static void hoard(int console) {
  struct timespec moment = {0, 10000000};
  for (int said = 0;;) {
    pid_t child = fork();
    if (child == 0) idle();
    if (child > 0) continue;
    if (errno == EAGAIN && !said) said = write(console, full, sizeof full - 1) > 0;
    nanosleep(&moment, NULL);
  }
}

int main(int argc, char **argv) {
  signal(SIGTERM, SIG_IGN);
  int console = open("/dev/console", O_WRONLY | O_NOCTTY);
  sleep(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0);
  hoard(console);
}
