// Spins in an inlined, vectorised loop; nothing of it is a system call.
#include <stdio.h>

static volatile unsigned long seen;

__attribute__((noinline)) static unsigned long churn(unsigned long seed, int depth) {
  if (depth > 0) return churn(seed * 31 + depth, depth - 1) + 1;
  for (unsigned long x = seed;; x = x * 6364136223846793005UL + 1442695040888963407UL) seen = x;
}

int main(void) {
  puts("ready");
  fflush(stdout);
  return (int)churn(7, 5);
}
