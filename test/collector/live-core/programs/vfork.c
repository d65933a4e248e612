// The main thread waits for its vfork'ed child in uninterruptible sleep, as on a dead disk; another thread works on.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *wait_for_ever(void *unused) {
  pause();
  return unused;
}

__attribute__((noinline)) static void stuck_here(void) {
  if (vfork() == 0) {
    pause();
    _exit(0);
  }
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_ever, NULL);
  puts("ready");
  fflush(stdout);
  stuck_here();
}
