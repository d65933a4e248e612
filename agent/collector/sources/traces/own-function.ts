import { basename } from 'node:path'
import { demangled } from '../../unwind/names/demangle.ts'

/** What a fingerprint goes by of a frame: FINGERPRINT.md. */
export interface PlainFrame {
  /** Path or name of the file that it is in. */
  readonly module?: string
  /** As the file spells it, or as people do. */
  readonly function?: string
  /** Its program counter from where its file was loaded on: where nothing names the function. */
  readonly offset?: number
}

/** Libraries of the C and C++ runtimes, the kernel's own code, and those that stand in for parts of them. */
const RUNTIMES =
  /^(?:lib(?:c|c\.musl-\w+|m|dl|rt|pthread|resolv|gcc_s|stdc\+\+|c\+\+|c\+\+abi|unwind|go|[alut]san|jemalloc|mimalloc|tcmalloc\w*)\.so|ld-(?:linux|musl|\d).*\.so|ld(?:64)?\.so|\[vdso\]|linux-vdso\.so|linux-gate\.so)$/

/** What runtimes do that are linked into programs: begin threads, wait, give up and tell of it. By names that are theirs to take. */
const MACHINERY: readonly RegExp[] = [
  // C, by glibc's names and musl's.
  /^_(?:start|init|fini|dl_\w+)$|^__(?:libc|GI|pthread|lll|futex|assert|fortify|chk_fail|stack_chk|syscall|clone|timedwait|wait|restore)\w*$/,
  /^(?:pthread_\w+|futex\w*|start_thread|syscall|clone3?|raise|gsignal|abort|a_crash|malloc_printerr|(?:clock_)?nanosleep|sem_(?:timed)?wait)$/,
  // C++: what a template of the library has become in a program is the library's, too.
  /^(?:std|__gnu_cxx|__cxxabiv1)::|^(?:__cxa_|__gxx_|_Unwind_|__clang_call_terminate|operator (?:new|delete))/,
  // Rust
  /^<?(?:core|alloc)::(?:\w*panic\w*|option|result|ops|cell|slice|str|fmt|iter|sync|alloc|boxed|rc|vec|string|raw_vec)::|^<std::/,
  /^__rust|^rust_(?:begin_unwind|panic\w*|oom)$/,
  // Go
  /^(?:runtime|sync|syscall|reflect)[./]|^internal\/|^time\.Sleep$|^_rt0_|^gogo$|^x?_cgo_|^crosscall|^threadentry/,
  // What Node, Python and the JVM give up by, and by what V8 calls any function.
  /^node::(?:\(anonymous namespace\)::)?(?:Abort|DefaultAbort|Assert|OnFatalError|OOMErrorHandler|DumpNativeBacktrace)|^Builtins_/,
  /^V8_Fatal|^v8::base::OS::Abort/,
  /^v8::(?:Utils|internal::V8)::(?:Report|Fatal)|^_?Py_Fatal|^take_gil$|^VMError::|^os::(?:abort|die)$/,
]

/** What compilers append to the name of a function of which they have made several, or parts. */
const PART = /\.(?:(?:part|constprop|isra|lto_priv|llvm|localalias|clone)\.\d+|cold(?:\.\d+)?).*$/s
const VERSION = /(?:-\d[\d.]*)?\.so(?:\.[\w.]+)?$/

/**
 * A function of the program's own, by file and name, else by its place in the file; undefined for the machinery of runtimes, and for what is
 * in no file: names of just-in-time code are what the process has written of itself.
 */
export function ownFunction({ module, function: name, offset }: PlainFrame): string | undefined {
  if (module === undefined) return undefined
  const file = basename(module.replace(/ \(deleted\)$/, '')).replace(VERSION, '.so')
  if (RUNTIMES.test(file)) return undefined
  if (name === undefined) return offset === undefined ? undefined : `${file}+0x${offset.toString(16)}`
  const plain = demangled(name).replace(PART, '')
  return plain.endsWith('@plt') || MACHINERY.some((words) => words.test(plain)) ? undefined : `${file}!${plain}`
}
