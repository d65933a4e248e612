// Memory of every kind, named on stdout as "name address length"; with the argument "churn" it keeps changing.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *map(const char *name, size_t length, int flags, int fd) {
  char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd, 0);
  if (at == MAP_FAILED) exit(1);
  madvise(at, length, MADV_NOHUGEPAGE);
  printf("%s %p %zu\n", name, (void *)at, length);
  return at;
}

static void fill(char *at, size_t from, size_t to, size_t step) {
  for (size_t page = from; page < to; page += step) memset(at + page, (int)(page / 4096 % 251 + 1), 4096);
}

int main(int count, char **arguments) {
  int private = MAP_PRIVATE | MAP_ANONYMOUS, shared = MAP_SHARED | MAP_ANONYMOUS;
  const size_t MiB = 1 << 20;
  char *filled = map("filled", 16 * MiB, private, -1);
  char *sparse = map("sparse", 8 * MiB, private, -1);
  char *untouched = map("untouched", 65536 * MiB, private, -1);
  char *common = map("common", MiB, shared, -1);
  char *left_out = map("left-out", MiB, private, -1);
  int fd = open("/proc/self/exe", O_RDONLY);
  char *file = map("file", 8192, MAP_PRIVATE, fd);
  fill(filled, 0, 16 * MiB, 4096);
  fill(sparse, 0, 8 * MiB, 40 * 4096);
  fill(untouched, 32768 * MiB, 32768 * MiB + 4096, 4096);
  fill(common, 0, MiB, 4096);
  fill(left_out, 0, MiB, 4096);
  strcpy(file + 4096, "changed");
  madvise(left_out, MiB, MADV_DONTDUMP);
  puts("ready");
  fflush(stdout);
  for (unsigned char round = 0; count > 1 && strcmp(arguments[1], "churn") == 0; round++) {
    for (size_t page = 0; page < 16 * MiB; page += 4096) filled[page] = round;
  }
  pause();
}
