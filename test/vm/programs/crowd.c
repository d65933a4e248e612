/*
 * Has so many children, which do nothing, and waits with them.
 * usage: crowd CHILDREN
 */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int children = argc > 1 ? atoi(argv[1]) : 0;
  for (int i = 0; i < children; i++)
    if (fork() == 0) break;
  for (;;) pause();
}
