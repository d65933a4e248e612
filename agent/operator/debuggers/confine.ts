import { OPEN } from './core-scripts.ts'

/** The Python file that confines gdb, below the directory of the fetch. */
export const CONFINE = `${OPEN}/confine.py`

/**
 * What gdb's Python runs before it opens a core of a bundle. A core names files by its notes and by the list of libraries in its memory, a
 * program by `.gnu_debuglink` and `.gnu_debugaltlink`, and gdb opens them on the machine where it runs: a sysroot stops names that are absolute, and
 * no others. With Landlock (Linux 5.13: https://docs.kernel.org/userspace-api/landlock.html) gdb itself gives up the right to read files
 * but those of the bundle, the system's and debuginfod's, before it waits on a FIFO for instance. Nothing in it is from a bundle.
 */
export function confinement(): string {
  return SCRIPT
}

const SCRIPT = `# Run by gdb before it opens a core of this bundle, so that it opens no file of yours because that core names it.
# It reads the directory where it was started, the system's, and below $image. Start it without "-x open/confine.py" to read more.
import ctypes, os, sys, gdb

def readable():
    """Directories and files that gdb and debuginfod need; those that are not there do not matter."""
    home = os.path.expanduser("~")
    caches = [os.environ.get("DEBUGINFOD_CACHE_PATH"), home + "/.debuginfod_client_cache",
              os.environ.get("XDG_CACHE_HOME", home + "/.cache") + "/debuginfod_client"]
    try:
        os.makedirs(caches[0] or caches[2], mode=0o700, exist_ok=True)
    except OSError:
        pass
    image = gdb.convenience_variable("image")
    local = [url[len("file://"):] for url in os.environ.get("DEBUGINFOD_URLS", "").split() if url.startswith("file://")]
    certificates = [os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE")]
    system = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/nix/store", "/gnu/store", "/run/current-system",
              "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/proc/sys", "/sys/devices/system/cpu",
              "/dev/null", "/dev/tty", "/dev/pts", "/dev/urandom"]
    own = [sys.prefix, gdb.PYTHONDIR, home + "/.terminfo"] + (gdb.parameter("debug-file-directory") or "").split(":")
    paths = [os.getcwd(), image.string() if image is not None else None] + caches + local + certificates + system + own
    return [path for path in paths if path]

def confine():
    libc = ctypes.CDLL(None, use_errno=True)

    def call(*args):
        result = libc.syscall(*args)
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    create_ruleset, add_rule, restrict_self = 444, 445, 446
    read_file, path_beneath, no_new_privs = 1 << 2, 1, 38
    handled = ctypes.c_uint64(read_file)
    rules = call(create_ruleset, ctypes.byref(handled), ctypes.c_size_t(8), 0)
    for path in readable():
        try:
            beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rule = (ctypes.c_char * 12).from_buffer_copy(read_file.to_bytes(8, sys.byteorder) + beneath.to_bytes(4, sys.byteorder))
        call(add_rule, rules, path_beneath, ctypes.byref(rule), 0)
        os.close(beneath)
    if libc.prctl(no_new_privs, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    call(restrict_self, rules, 0)
    os.close(rules)

def threads(number):
    try:
        gdb.execute("maint set worker-threads " + number, to_string=True)
    except gdb.error:
        pass

try:
    # It is a thread that is confined: gdb's others end, and begin again as its children.
    threads("0")
    confine()
except Exception as error:
    print(f"This gdb is not confined ({error}): it may open files of yours that the core names.")
threads("unlimited")
`
