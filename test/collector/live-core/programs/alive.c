// Shows that it lives: 16 threads count in a file that is mapped, others come and go, and each SIGRTMIN is counted.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile unsigned *counts;

static void on_signal(int number) {
  (void)number;
  __atomic_add_fetch(&counts[63], 1, __ATOMIC_SEQ_CST);
}

static void *count(void *slot) {
  for (;;) {
    counts[(long)slot]++;
    usleep(1000);
  }
}

static void *nothing(void *unused) {
  return unused;
}

int main(int number, char **arguments) {
  pthread_t thread;
  int fd = open(number > 1 ? arguments[1] : "", O_RDWR);
  counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (counts == MAP_FAILED) exit(1);
  signal(SIGRTMIN, on_signal);
  for (long slot = 0; slot < 16; slot++) pthread_create(&thread, NULL, count, (void *)slot);
  puts("ready");
  fflush(stdout);
  for (;;) {
    for (int i = 0; i < 4; i++) {
      pthread_create(&thread, NULL, nothing, NULL);
      pthread_join(thread, NULL);
    }
    counts[16]++;
    usleep(500);
  }
}
