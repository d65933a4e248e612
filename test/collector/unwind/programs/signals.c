// Waits in a signal handler on a stack of its own, called from code that was called back by libc's qsort.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int arrived;

__attribute__((noinline)) static void deeper(int depth) {
  volatile int here = depth;
  if (depth > 0) deeper(depth - 1);
  else {
    __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
    for (;;) pause();
  }
  (void)here;
}

static void handler(int number) {
  deeper(number == SIGSEGV ? 3 : 1);
}

static int compare(const void *one, const void *other) {
  if (*(const int *)one == 7) raise(SIGUSR1);
  return *(const int *)one - *(const int *)other;
}

__attribute__((noinline)) static int fault(volatile int *where) {
  *where = 1;
  return *where + 1;
}

static void *work(void *how) {
  stack_t own = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&own, NULL);
  int numbers[] = {1, 9, 7, 3, 5, 2, 8, 6};
  if (how == NULL) qsort(numbers, 8, sizeof *numbers, compare);
  else if (how == (void *)1) fault((volatile int *)8);
  else ((void (*)(void))how)();
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK | SA_NODEFER};
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGSEGV, &action, NULL);
  pthread_t thread;
  void *ways[] = {NULL, (void *)1, (void *)16};
  for (int n = 0; n < 3; n++) pthread_create(&thread, NULL, work, ways[n]);
  while (arrived < 3) usleep(1000);
  puts("ready");
  fflush(stdout);
  pause();
}
