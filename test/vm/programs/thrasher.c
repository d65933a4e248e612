/*
 * Has so many MiB and writes to each page of them in turn, for ever: where there is less memory than that, it thrashes.
 * usage: thrasher MIB
 */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  unsigned long bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) << 20;
  volatile char *data = malloc(bytes);
  if (data == NULL) return 1;
  for (unsigned long round = 0;; round++) {
    for (unsigned long at = 0; at < bytes; at += 4096) data[at] = (char)(round + (at >> 12) + 1);
    if (round > 0) continue;
    puts("thrasher ready");
    fflush(stdout);
  }
}
