/*
 * Eight named threads, each in a call chain of its own, and some MiB of data; then one of them touches address 0.
 * usage: crasher MIB [SECONDS before the crash]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 8 /* the main one included */

static pthread_barrier_t standing;
static volatile int *nowhere;
static unsigned wait_s;
static volatile int forever = 1;

static void fill(uint8_t *data, size_t size) {
  uint64_t x = 0x9e3779b97f4a7c15; /* xorshift64: the same data at every run */
  for (size_t at = 0; at + 4096 <= size; at += 4096) {
    /* as in a real heap, a part of each page is noise, the rest repeats or is empty */
    for (size_t i = 0; i < 1536; i += 8) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      memcpy(data + at + i, &x, 8);
    }
    memset(data + at + 1536, (int)(at >> 12), 1024);
  }
}

__attribute__((noinline)) static void await_work(long number) {
  pthread_barrier_wait(&standing);
  while (forever) pause();
  (void)number;
}

__attribute__((noinline)) static void serve(long number, int depth) {
  if (depth > 0)
    serve(number, depth - 1);
  else
    await_work(number);
  __asm__ volatile(""); /* no tail call: the chain shall be on the stack */
}

__attribute__((noinline)) static void touch_nothing(void) {
  pthread_barrier_wait(&standing);
  sleep(wait_s);
  *nowhere = 1;
}

static void *run(void *argument) {
  long number = (long)argument;
  char name[16];
  snprintf(name, sizeof name, "worker-%ld", number);
  pthread_setname_np(pthread_self(), name);
  if (number == THREADS - 1)
    touch_nothing();
  else
    serve(number, (int)number);
  return NULL;
}

int main(int argc, char **argv) {
  size_t size = (argc > 1 ? strtoul(argv[1], NULL, 10) : 16) << 20;
  wait_s = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
  uint8_t *data = malloc(size);
  if (data == NULL) return 1;
  fill(data, size);
  pthread_barrier_init(&standing, NULL, THREADS);
  for (long number = 1; number < THREADS; number++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, (void *)number) != 0) return 1;
  }
  pthread_barrier_wait(&standing);
  while (forever) pause();
  return data[size - 1];
}
