/*
 * Two threads, each with one ledger in its hands, and each waits for the other's; the main thread waits for both. Has some
 * MiB of data, every page of which starts with its number.
 * usage: deadlocked MIB
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096

static pthread_mutex_t ledgers[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t both;
/* What a debugger is asked for. */
uint8_t *data;
size_t size;

__attribute__((noinline)) static void take_ledger(long number) {
  pthread_mutex_lock(&ledgers[number]);
  __asm__ volatile(""); /* no tail call: who waits shall be on the stack */
}

__attribute__((noinline)) static void *transfer(void *argument) {
  long number = (long)argument;
  pthread_setname_np(pthread_self(), number == 0 ? "debit" : "credit");
  take_ledger(number);
  pthread_barrier_wait(&both);
  take_ledger(1 - number);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[2];
  size = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1) << 20;
  data = malloc(size);
  if (data == NULL) return 1;
  memset(data, 0x5a, size);
  for (size_t at = 0; at < size; at += PAGE) {
    uint64_t number = at / PAGE;
    memcpy(data + at, &number, sizeof number);
  }
  pthread_barrier_init(&both, NULL, 2);
  for (long number = 0; number < 2; number++) pthread_create(&threads[number], NULL, transfer, (void *)number);
  for (long number = 0; number < 2; number++) pthread_join(threads[number], NULL);
  return 0;
}
