/*
 * A program with a long log: writes so many MiB of lines that have numbers, says "ready", and logs on. When it is to stop it goes on for
 * some seconds, and is done earlier when PATH is no more; then it rotates its log all the while, as logrotate(8) does: renames all that
 * there is, begins a new file, and opens that only a moment later.
 * usage: logger LOG MIB SECONDS PATH
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

enum { LINE = 64, AT_ONCE = 256, TICK_MS = 50, TICKS = 20, LATER = 5 };

static long long next;

static int begin(const char *log) { return open(log, O_WRONLY | O_CREAT | O_APPEND, 0640); }

static void write_lines(int file) {
  static char lines[AT_ONCE * LINE + 1];
  for (int i = 0; i < AT_ONCE; i++) {
    char *line = lines + i * LINE;
    memset(line, 'x', LINE);
    char number[17];
    snprintf(number, sizeof number, "%016lld", next++);
    memcpy(line, number, 16);
    line[LINE - 1] = '\n';
  }
  if (write(file, lines, AT_ONCE * LINE) != AT_ONCE * LINE) abort();
}

static void rotate(const char *log, int rotations) {
  char from[256], to[256];
  for (int age = rotations; age > 0; age--) {
    snprintf(to, sizeof to, "%s.%d", log, age);
    if (age == 1) snprintf(from, sizeof from, "%s", log);
    else snprintf(from, sizeof from, "%s.%d", log, age - 1);
    if (rename(from, to) != 0) abort();
  }
  close(begin(log));
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const char *log = argv[1];
  int seconds = atoi(argv[3]);
  struct sigaction action = {.sa_handler = ask};
  sigaction(SIGTERM, &action, NULL);
  int file = begin(log);
  for (long long i = 0; i < atoll(argv[2]) * 1024 * 1024 / (AT_ONCE * LINE); i++) write_lines(file);
  say("logger", "ready");
  int left = seconds * 1000 / TICK_MS;
  for (int tick = 1, rotations = 0; left > 0 && access(argv[4], F_OK) == 0; tick++) {
    struct timespec pause = {0, TICK_MS * 1000000L};
    nanosleep(&pause, NULL);
    write_lines(file);
    if (!asked) continue;
    left--;
    if (tick % TICKS == 0) rotate(log, ++rotations);
    if (tick % TICKS == LATER && rotations > 0) {
      close(file);
      file = begin(log);
    }
  }
  say("logger", "stopped");
  return 0;
}
