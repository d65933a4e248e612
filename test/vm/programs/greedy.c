/*
 * Starts threads until it is given no more, and waits then: a service at its TasksMax, or the fork that fails.
 * usage: greedy
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static volatile int forever = 1;

__attribute__((noinline)) static void await_request(void) {
  while (forever) pause();
}

static void *serve(void *unused) {
  await_request();
  return unused;
}

int main(void) {
  int threads = 1;
  pthread_t thread;
  while (pthread_create(&thread, NULL, serve, NULL) == 0) threads++;
  printf("greedy has %d threads and gets no more\n", threads);
  fflush(stdout);
  await_request();
  return 0;
}
