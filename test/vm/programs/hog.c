/* Opens files until it is given no more, and waits then: a server that has all the descriptors that it may have. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  int files = 3;
  while (open("/dev/null", O_RDONLY) >= 0) files++;
  printf("hog has %d files and gets no more\n", files);
  fflush(stdout);
  for (;;) pause();
}
