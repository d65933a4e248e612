// Threads that stand at each instruction of a call through the procedure linkage table, step by step, and wait there in a signal handler.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

extern char __executable_start;
static __thread int left = -1;
static __thread long begun;
static volatile int arrived;

static void step(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  char *at = (char *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  // Its own code lies in .text; the table lies before.
  extern void _start(void);
  if (at < &__executable_start || at >= (char *)&_start) return;
  if (left-- > 0) return;
  __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
  for (;;) pause();
}

#define CALL(which, call)                                                                       \
  __attribute__((noinline)) static long which(void) {                                           \
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf" ::: "cc", "memory");                    \
    return (long)(call) + begun;                                                                \
  }
CALL(first, labs(random()))
CALL(second, getppid())
CALL(third, clock())
CALL(fourth, getuid())
CALL(fifth, getgid())
CALL(sixth, getpgrp())

static void *work(void *number) {
  static long (*const calls[])(void) = {first, second, third, fourth, fifth, sixth};
  left = (int)(long)number;
  return (void *)calls[left]();
}

int main(void) {
  struct sigaction action = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &action, NULL);
  pthread_t thread;
  for (long n = 0; n < 4; n++) pthread_create(&thread, NULL, work, (void *)n);
  while (arrived < 4) usleep(1000);
  puts("ready");
  fflush(stdout);
  pause();
}
