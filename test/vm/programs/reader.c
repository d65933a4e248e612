/*
 * Two threads of three are lost in a file whose server is dead: one reads it, the other has it mapped and touches it.
 * usage: reader FILE, which is waited for
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static int file = -1;
static volatile int forever = 1;

__attribute__((noinline)) static void read_ledger(void) {
  char page[PAGE];
  if (pread(file, page, PAGE, 0) < 0) perror("read");
}

__attribute__((noinline)) static void touch_ledger(const volatile char *page) {
  (void)*page;
}

static void *run_reader(void *unused) {
  pthread_setname_np(pthread_self(), "reads");
  read_ledger();
  return unused;
}

static void *run_toucher(void *unused) {
  pthread_setname_np(pthread_self(), "touches");
  /* far from what the other reads, so that each waits for a page of its own */
  touch_ledger(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 2048 * PAGE));
  return unused;
}

__attribute__((noinline)) static void await_request(void) {
  while (forever) pause();
}

int main(int argc, char **argv) {
  pthread_t thread;
  if (argc < 2) return 1;
  while ((file = open(argv[1], O_RDONLY)) < 0) usleep(100000);
  pthread_create(&thread, NULL, run_reader, NULL);
  pthread_create(&thread, NULL, run_toucher, NULL);
  await_request();
  return 0;
}
