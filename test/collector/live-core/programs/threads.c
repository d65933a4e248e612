// 64 threads, each some calls deep, waiting in four different ways.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t ready;

__attribute__((noinline)) static void wait_here(int way) {
  sem_post(&ready);
  for (;;) {
    struct timespec hour = {3600, 0};
    if (way == 0) poll(NULL, 0, -1);
    if (way == 1) nanosleep(&hour, NULL);
    if (way == 2) pause();
    if (way == 3) {
      pthread_mutex_lock(&lock);
      pthread_cond_wait(&never, &lock);
      pthread_mutex_unlock(&lock);
    }
  }
}

__attribute__((noinline)) static int deeper(int depth, int way) {
  volatile int here = depth;
  if (depth == 0) wait_here(way);
  else deeper(depth - 1, way);
  return here;
}

static void *work(void *number) {
  long n = (long)number;
  deeper(n % 7, n % 4);
  return NULL;
}

int main(void) {
  pthread_t thread;
  sem_init(&ready, 0, 0);
  for (long n = 1; n < 64; n++) pthread_create(&thread, NULL, work, (void *)n);
  for (int n = 1; n < 64; n++) while (sem_wait(&ready) != 0) {}
  puts("ready");
  fflush(stdout);
  deeper(3, 2);
}
