/*
 * Takes memory and writes to all of it, until it has so many MiB or is killed; then it waits.
 * usage: swollen MIB
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int forever = 1;

int main(int argc, char **argv) {
  unsigned long mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
  for (unsigned long have = 0; have < mib; have++) {
    char *data = malloc(1 << 20);
    if (data == NULL) break;
    memset(data, (int)have | 1, 1 << 20);
  }
  while (forever) pause();
  return 0;
}
