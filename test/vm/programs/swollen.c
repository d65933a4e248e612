/*
 * Takes memory and writes to all of it, until it has so many MiB or is killed; then it waits. It leaks where it waits MS after each.
 * usage: swollen MIB [MS]
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int forever = 1;

int main(int argc, char **argv) {
  unsigned long mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
  unsigned long ms = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
  for (unsigned long have = 0; have < mib; have++) {
    char *data = malloc(1 << 20);
    if (data == NULL) break;
    memset(data, (int)have | 1, 1 << 20);
    usleep(ms * 1000);
  }
  while (forever) pause();
  return 0;
}
