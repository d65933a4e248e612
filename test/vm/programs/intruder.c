/*
 * What somebody would do who runs code in the sandbox of whoever starts this: ways to a network and ways to change the host.
 * Says a line for each: "WAY open", "WAY denied: ERROR", "WAY hidden" where it leads to nothing that could be seen, or "WAY
 * absent" where this kernel knows no such call. Every way gets past the gate at most: nothing is written, killed or started but what "intruder victim" is there for.
 * usage: intruder victim FILE    waits to be attacked, with a socket and a secret; FILE tells where they are
 *        intruder attack FILE DIRECTORY    DIRECTORY is one where it may write
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/vm_sockets.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* Younger than some C library's header: the kernel's numbers, the same on all architectures. */
enum { io_uring_setup_nr = 425, open_tree_nr = 428, fsopen_nr = 430, pidfd_open_nr = 434, pidfd_getfd_nr = 438 };
enum { setxattrat_nr = 463, open_tree_attr_nr = 467 };

static struct {
  int pid, socket;
  unsigned long secret;
} victim;
static const char *mine;

static long to_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  long answer = connect(fd, (struct sockaddr *)&address, sizeof address);
  if (answer != 0 && errno == EPROTOTYPE) {
    fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    answer = connect(fd, (struct sockaddr *)&address, sizeof address);
  }
  return answer;
}

static long to_write(const char *path) { return open(path, O_WRONLY | O_CLOEXEC); }

static long to_make(const char *directory) {
  char path[256];
  snprintf(path, sizeof path, "%s/intruder-was-here", directory);
  int fd = open(path, O_WRONLY | O_CREAT, 0600);
  if (fd >= 0) unlink(path);
  return fd;
}

static long to_make_file(const char *name, mode_t mode, dev_t device) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", mine, name);
  unlink(path);
  long answer = mknod(path, mode, device);
  int error = errno;
  unlink(path);
  errno = error;
  return answer;
}

static long to_set_user_bit(void) {
  char path[256];
  snprintf(path, sizeof path, "%s/program", mine);
  if (to_make_file("program", S_IFREG | 0600, 0) != 0) return -1;
  close(open(path, O_WRONLY | O_CREAT, 0600));
  long answer = chmod(path, 04755);
  int error = errno;
  unlink(path);
  errno = error;
  return answer;
}

static long to_run(char *const argv[]) {
  pid_t child = fork();
  if (child == 0) {
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    execv(argv[0], argv);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0) return -1;
  if (status == 0) return 0;
  errno = EPERM;
  return -1;
}

static long to_take_socket(void) {
  int pidfd = syscall(pidfd_open_nr, victim.pid, 0);
  return pidfd < 0 ? -1 : syscall(pidfd_getfd_nr, pidfd, victim.socket, 0);
}

static long to_enter(const char *space, int kind) {
  char path[64];
  snprintf(path, sizeof path, "/proc/1/ns/%s", space);
  int fd = open(path, O_RDONLY);
  return fd < 0 ? -1 : setns(fd, kind);
}

static long to_write_memory(const char *root) {
  char path[64];
  snprintf(path, sizeof path, "%s/proc/%d/mem", root, victim.pid);
  int fd = open(path, O_RDWR);
  return fd < 0 ? -1 : pwrite(fd, "changed", 8, victim.secret);
}

static long to_write_across(void) {
  char text[8] = "changed";
  struct iovec here = {text, sizeof text}, there = {(void *)victim.secret, sizeof text};
  return process_vm_writev(victim.pid, &here, 1, &there, 1, 0);
}

/* Its registers and memory are as good as its own program. */
static long to_trace(int request) {
  if (ptrace(PTRACE_SEIZE, victim.pid, 0, 0) != 0) return -1;
  ptrace(PTRACE_INTERRUPT, victim.pid, 0, 0);
  waitpid(victim.pid, NULL, __WALL);
  return ptrace(request, victim.pid, (void *)victim.secret, (void *)0x6465676e616863L);
}

static long to_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return clock_settime(CLOCK_REALTIME, &now);
}

/* The same call by the 32-bit ABI, and by x32: filters of one ABI do not see another's. */
static long by_32_bits(void) {
#ifdef __x86_64__
  long answer;
  __asm__ volatile("int $0x80" : "=a"(answer) : "a"(359L), "b"((long)AF_INET), "c"((long)SOCK_DGRAM), "d"(0L) : "memory", "r8", "r9", "r10", "r11");
  if (answer >= 0) return answer;
  errno = -answer;
#else
  errno = ENOSYS;
#endif
  return -1;
}

static long to_open_handle(void) {
  struct {
    struct file_handle handle;
    unsigned char space[128];
  } file = {.handle = {.handle_bytes = 128}};
  int mount;
  if (name_to_handle_at(AT_FDCWD, "/etc/hostname", &file.handle, &mount, 0) != 0) return -1;
  return open_by_handle_at(open("/etc", O_RDONLY | O_DIRECTORY), &file.handle, O_RDONLY);
}

static long to_set_attribute(const char *path) {
  struct {
    unsigned long value;
    unsigned size, flags;
  } attribute = {(unsigned long)"x", 1, 0};
  return syscall(setxattrat_nr, AT_FDCWD, path, 0L, "trusted.intruder", &attribute, sizeof attribute);
}

static long to_count_events(void) {
  char attributes[128] = {0};
  attributes[0] = 1; /* PERF_TYPE_SOFTWARE */
  attributes[4] = sizeof attributes;
  return syscall(SYS_perf_event_open, attributes, victim.pid, -1, -1, 0);
}

#define WAYS(WAY)                                                                                                       \
  WAY("socket-inet", socket(AF_INET, SOCK_STREAM, 0))                                                                   \
  WAY("socket-inet6", socket(AF_INET6, SOCK_DGRAM, 0))                                                                  \
  WAY("socket-packet", socket(AF_PACKET, SOCK_RAW, 0))                                                                  \
  WAY("socket-netlink", socket(AF_NETLINK, SOCK_RAW, 0))                                                                \
  WAY("socket-vsock", socket(AF_VSOCK, SOCK_STREAM, 0))                                                                 \
  WAY("socket-alg", socket(AF_ALG, SOCK_SEQPACKET, 0))                                                                  \
  WAY("socket-32-bit", by_32_bits())                                                                                    \
  WAY("io_uring", syscall(io_uring_setup_nr, 8, (char[256]){0}))                                                        \
  WAY("pidfd_getfd", to_take_socket())                                                                                  \
  WAY("setns-net", to_enter("net", CLONE_NEWNET))                                                                       \
  WAY("setns-mnt", to_enter("mnt", CLONE_NEWNS))                                                                        \
  WAY("unshare-user", unshare(CLONE_NEWUSER))                                                                           \
  WAY("unshare-net", unshare(CLONE_NEWNET))                                                                             \
  WAY("tun", open("/dev/net/tun", O_RDWR))                                                                              \
  WAY("tun-by-1", open("/proc/1/root/dev/net/tun", O_RDWR))                                                             \
  WAY("systemd-private", to_unix("/run/systemd/private"))                                                               \
  WAY("systemd-private-by-1", to_unix("/proc/1/root/run/systemd/private"))                                              \
  WAY("udev-control", to_unix("/run/udev/control"))                                                                     \
  WAY("systemd-run", to_run((char *[]){"/usr/bin/systemd-run", "--quiet", "--wait", "/usr/bin/true", NULL}))            \
  WAY("systemctl-start", to_run((char *[]){"/usr/bin/systemctl", "start", "systemd-tmpfiles-clean.service", NULL}))     \
  WAY("process_vm_writev", to_write_across())                                                                           \
  WAY("proc-mem", to_write_memory(""))                                                                                  \
  WAY("proc-mem-by-1", to_write_memory("/proc/1/root"))                                                                 \
  WAY("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC))                                                               \
  WAY("kill", kill(victim.pid, SIGCONT))                                                                                \
  WAY("prlimit", prlimit(victim.pid, RLIMIT_CORE, &(struct rlimit){0, RLIM_INFINITY}, NULL))                            \
  WAY("core-pattern", to_write("/proc/sys/kernel/core_pattern"))                                                        \
  WAY("core-pattern-by-1", to_write("/proc/1/root/proc/sys/kernel/core_pattern"))                                       \
  WAY("sysrq", to_write("/proc/sysrq-trigger"))                                                                         \
  WAY("sysrq-by-1", to_write("/proc/1/root/proc/sysrq-trigger"))                                                        \
  WAY("sys", to_write("/sys/kernel/mm/transparent_hugepage/enabled"))                                                   \
  WAY("sys-by-1", to_write("/proc/1/root/sys/kernel/mm/transparent_hugepage/enabled"))                                  \
  WAY("cgroup", to_write("/sys/fs/cgroup/system.slice/victim.service/cgroup.procs"))                                    \
  WAY("cgroup-by-1", to_write("/proc/1/root/sys/fs/cgroup/system.slice/victim.service/cgroup.procs"))                   \
  WAY("passwd", to_write("/etc/passwd"))                                                                                \
  WAY("passwd-by-1", to_write("/proc/1/root/etc/passwd"))                                                               \
  WAY("unit-file", to_make("/run/systemd/system"))                                                                      \
  WAY("unit-file-by-1", to_make("/proc/1/root/run/systemd/system"))                                                     \
  WAY("settings", to_make("/run/lastgasp"))                                                                             \
  WAY("settings-by-1", to_make("/proc/1/root/run/lastgasp"))                                                            \
  WAY("xattr-by-1", setxattr("/proc/1/root/etc/hostname", "trusted.intruder", "x", 1, 0))                               \
  WAY("xattrat-by-1", to_set_attribute("/proc/1/root/etc/hostname"))                                                    \
  WAY("disk", open("/dev/vda", O_RDONLY))                                                                               \
  WAY("disk-by-1", open("/proc/1/root/dev/vda", O_RDONLY))                                                              \
  WAY("memory-device", open("/dev/mem", O_RDONLY))                                                                      \
  WAY("memory-node", to_make_file("memory", S_IFCHR | 0600, makedev(1, 1)))                                             \
  WAY("set-user-bit", to_set_user_bit())                                                                                \
  WAY("ports", syscall(SYS_iopl, 3))                                                                                    \
  WAY("mount", mount("none", "/mnt", "tmpfs", MS_REMOUNT | MS_BIND, NULL))                                              \
  WAY("umount", umount2("/", MNT_EXPIRE))                                                                               \
  WAY("open_tree", syscall(open_tree_nr, AT_FDCWD, "/proc", 1 /* OPEN_TREE_CLONE */))                                   \
  WAY("open_tree_attr", syscall(open_tree_attr_nr, AT_FDCWD, "/proc", 1, NULL, 0L))                                     \
  WAY("fsopen", syscall(fsopen_nr, "tmpfs", 0))                                                                         \
  WAY("module", syscall(SYS_init_module, "no module", 9L, ""))                                                          \
  WAY("kexec", syscall(SYS_kexec_load, 0L, 0L, NULL, KEXEC_ARCH_DEFAULT))                                               \
  WAY("bpf", syscall(SYS_bpf, 0, (char[128]){0}, 128))                                                                  \
  WAY("perf", to_count_events())                                                                                        \
  WAY("keyring", syscall(SYS_add_key, "user", "intruder", "x", 1L, -3 /* this session's */))                            \
  WAY("open_by_handle_at", to_open_handle())                                                                            \
  WAY("reboot", reboot(RB_ENABLE_CAD))                                                                                  \
  WAY("swap", swapoff("/proc/version"))                                                                                 \
  WAY("clock", to_clock())                                                                                              \
  WAY("host-name", sethostname("vm", 2))                                                                                \
  WAY("become-root", setresuid(0, 0, 0))                                                                                \
  WAY("trace-memory", to_trace(PTRACE_POKEDATA))

/* In a child, as a call that is forbidden may kill. Its exit code is the error, 0 for none. */
#define TELL(name, attempt)                                                                                             \
  fflush(stdout);                                                                                                       \
  child = fork();                                                                                                       \
  if (child == 0) {                                                                                                     \
    errno = 0;                                                                                                          \
    _exit((attempt) >= 0 ? 0 : errno);                                                                                  \
  }                                                                                                                     \
  waitpid(child, &status, 0);                                                                                           \
  tell(name, status);

static void tell(const char *way, int status) {
  int error = WIFSIGNALED(status) ? EPERM : WEXITSTATUS(status);
  int denied = error == EPERM || error == EACCES || error == EROFS || error == EAFNOSUPPORT;
  if (error == ENOSYS) printf("%s absent\n", way);
  else if (error == ENOENT) printf("%s hidden\n", way);
  else if (denied) printf("%s denied: %s\n", way, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : strerrorname_np(error));
  else printf("%s open: %s\n", way, error == 0 ? "done" : strerrorname_np(error));
}

static char secret[8] = "secret";

static int wait_for_attack(const char *path) {
  FILE *file = fopen(path, "w");
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (file == NULL || fd < 0) return 1;
  fprintf(file, "%d %d %lu\n", getpid(), fd, (unsigned long)secret);
  fclose(file);
  for (;;) sleep(1);
}

int main(int argc, char **argv) {
  pid_t child;
  int status;
  if (argc == 3 && strcmp(argv[1], "victim") == 0) return wait_for_attack(argv[2]);
  if (argc != 4) return 2;
  FILE *file = fopen(argv[2], "r");
  if (file == NULL || fscanf(file, "%d %d %lu", &victim.pid, &victim.socket, &victim.secret) != 3) return 1;
  mine = argv[3];
  dup2(2, 1);
  WAYS(TELL)
  return 0;
}
