/*
 * What a user can do that a shell has no command for.
 * usage: mallory log TIMES FIELD=VALUE...     says so to the journal, and stays a moment to be looked at
 *        mallory vanish TIMES FIELD=VALUE...  the same, by processes that are gone before journald looks
 *        mallory attribute FILE NAME=VALUE... sets extended attributes
 *        mallory hold FILE                    keeps a lease on a file: whoever opens it has to wait
 *        mallory called TIMES NAME            so many processes of that name
 *        mallory crash NAME                   crashes under that name
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void say(int number, char **fields) {
  struct sockaddr_un journal = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
  char text[64 * 1024];
  int length = snprintf(text, sizeof text, "NUMBER=%d\n", number);
  for (; *fields; fields++) length += snprintf(text + length, sizeof text - length, "%s\n", *fields);
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (sendto(fd, text, length, 0, (struct sockaddr *)&journal, sizeof journal) != length) fail("sendto");
  close(fd);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  const char *what = argv[1];
  int times = atoi(argv[2]);
  if (!strcmp(what, "log")) {
    for (int number = 0; number < times; number++) say(number, argv + 3);
    sleep(2);
  } else if (!strcmp(what, "vanish")) {
    for (int number = 0; number < times; number++) {
      if (fork() == 0) {
        say(number, argv + 3);
        _exit(0);
      }
      wait(NULL);
    }
  } else if (!strcmp(what, "attribute")) {
    for (char **pair = argv + 3; *pair; pair++) {
      char *value = strchr(*pair, '=');
      *value++ = 0;
      if (setxattr(argv[2], *pair, value, strlen(value), 0) != 0) fail(*pair);
    }
  } else if (!strcmp(what, "hold")) {
    int fd = open(argv[2], O_RDWR);
    if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0) fail("F_SETLEASE");
    signal(SIGIO, SIG_IGN); /* that somebody waits */
    for (;;) pause();
  } else if (!strcmp(what, "called")) {
    while (--times > 0 && fork() != 0) continue;
    prctl(PR_SET_NAME, argv[3]);
    for (;;) pause();
  } else if (!strcmp(what, "crash")) {
    prctl(PR_SET_NAME, argv[2]);
    abort();
  }
  return 0;
}
