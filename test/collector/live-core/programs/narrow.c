// A 32-bit program that needs no 32-bit library.
void _start(void) {
  for (;;) __asm__ volatile("int $0x80" : : "a"(29));
}
