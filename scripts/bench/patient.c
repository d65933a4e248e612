// A process to take cores of: the content of a file in its memory, threads that sleep at the end of a few calls, and a mapping that
// nobody has touched. Arguments: file, threads, GiB untouched. Says "ready".
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int deeper(int depth) {
  volatile char frame[256];
  frame[0] = (char)depth;
  if (depth > 0) return deeper(depth - 1) + frame[0];
  for (;;) pause();
}

static void *sleeper(void *unused) {
  deeper(16);
  return unused;
}

static void *reserve(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) perror("mmap"), exit(1);
  return memory;
}

int main(int argc, char **argv) {
  struct stat stat;
  int file = argc == 4 ? open(argv[1], O_RDONLY) : -1;
  if (file < 0 || fstat(file, &stat) != 0) return 1;
  char *memory = reserve((size_t)stat.st_size);
  for (off_t at = 0; at < stat.st_size;) {
    ssize_t got = read(file, memory + at, (size_t)(stat.st_size - at));
    if (got <= 0) return 1;
    at += got;
  }
  close(file);
  if (atoi(argv[3]) > 0) reserve((size_t)atoi(argv[3]) << 30);
  pthread_t thread;
  for (int left = atoi(argv[2]); left > 1; left--)
    if (pthread_create(&thread, NULL, sleeper, NULL) != 0) return 1;
  puts("ready");
  fflush(stdout);
  return deeper(16);
}
