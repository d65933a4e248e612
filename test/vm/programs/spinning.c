/* Waits for an answer that does not come, without a rest. */
static volatile int answered;
static volatile unsigned long turns;

__attribute__((noinline)) static void await_answer(void) {
  while (!answered) turns++;
}

int main(void) {
  await_answer();
  return (int)turns;
}
