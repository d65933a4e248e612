/*
 * A file system whose server is dead: FUSE (linux/fuse.h, Documentation/filesystems/fuse.rst) that lets itself be mounted
 * and its one file be opened, and never answers a read. Who reads sleeps uninterruptibly until this program ends.
 * usage: frozenfs DIRECTORY, which has then a file `ledger`
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEDGER 2
#define SIZE (64 << 20)

static int device;

static void answer(uint64_t unique, int error, const void *body, size_t size) {
  char message[sizeof(struct fuse_out_header) + 512];
  struct fuse_out_header head = {.len = (uint32_t)(sizeof head + size), .error = -error, .unique = unique};
  memcpy(message, &head, sizeof head);
  if (size > 0) memcpy(message + sizeof head, body, size);
  if (write(device, message, head.len) < 0) perror("answer");
}

static struct fuse_attr attributes(uint64_t node) {
  struct fuse_attr directory = {.ino = node, .mode = S_IFDIR | 0755, .nlink = 2, .blksize = 4096};
  struct fuse_attr ledger = {.ino = node, .mode = S_IFREG | 0444, .nlink = 1, .blksize = 4096, .size = SIZE};
  return node == LEDGER ? ledger : directory;
}

static void serve(const struct fuse_in_header *request, const char *body) {
  struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096};
  struct fuse_attr_out got = {.attr_valid = 3600, .attr = attributes(request->nodeid)};
  struct fuse_entry_out found = {.nodeid = LEDGER, .entry_valid = 3600, .attr_valid = 3600};
  struct fuse_open_out opened = {.fh = 1, .open_flags = FOPEN_KEEP_CACHE};
  switch (request->opcode) {
    case FUSE_INIT:
      /* reads that are not waited for where they are asked: the reader waits for the page then, as for that of a disk */
      init.flags = FUSE_ASYNC_READ;
      init.max_readahead = ((const struct fuse_init_in *)body)->max_readahead;
      answer(request->unique, 0, &init, sizeof init);
      return;
    case FUSE_GETATTR:
      answer(request->unique, 0, &got, sizeof got);
      return;
    case FUSE_LOOKUP:
      found.attr = attributes(LEDGER);
      if (strcmp(body, "ledger") == 0)
        answer(request->unique, 0, &found, sizeof found);
      else
        answer(request->unique, ENOENT, NULL, 0);
      return;
    case FUSE_OPEN:
      answer(request->unique, 0, &opened, sizeof opened);
      return;
    case FUSE_READ:
    case FUSE_STATFS:
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return;
    default:
      answer(request->unique, ENOSYS, NULL, 0);
  }
}

int main(int argc, char **argv) {
  static char message[1 << 20] __attribute__((aligned(8)));
  char options[64];
  if (argc < 2) return 1;
  mkdir(argv[1], 0755);
  device = open("/dev/fuse", O_RDWR);
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
  if (device < 0 || mount("frozenfs", argv[1], "fuse", 0, options) != 0) {
    perror("mount");
    return 1;
  }
  for (;;) {
    ssize_t size = read(device, message, sizeof message);
    if (size >= (ssize_t)sizeof(struct fuse_in_header))
      serve((struct fuse_in_header *)message, message + sizeof(struct fuse_in_header));
    else if (size < 0 && errno == ENODEV)
      return 0; /* unmounted */
    else if (size < 0 && errno != EINTR && errno != ENOENT)
      return 1;
  }
}
