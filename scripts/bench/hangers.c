// Ten threads, some calls deep each, that wait in three ways; says "ready" when all of them do.
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t there;

__attribute__((noinline)) static void wait_here(int way) {
  sem_post(&there);
  for (;;) {
    if (way == 0) poll(NULL, 0, -1);
    if (way == 1) pause();
    if (way == 2) {
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
  deeper(4 + (long)number % 9, (long)number % 3);
  return NULL;
}

int main(void) {
  pthread_t thread;
  sem_init(&there, 0, 0);
  for (long n = 1; n < 10; n++) pthread_create(&thread, NULL, work, (void *)n);
  for (int n = 1; n < 10; n++) sem_wait(&there);
  puts("ready");
  fflush(stdout);
  deeper(6, 1);
}
