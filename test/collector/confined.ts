import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { confine } from '../../agent/collector/confine.ts'
import {
  openSystem,
  PTRACE_DETACH,
  PTRACE_GETREGSET,
  PTRACE_INTERRUPT,
  PTRACE_SEIZE,
} from '../../agent/collector/host/ffi.ts'

/** Confines itself as its argument says, tries what should be closed and what should not, and says what came of it. */

const [PTRACE_POKEDATA, PTRACE_O_EXITKILL, NT_PRSTATUS] = [5, 0x10_0000, 1]
/** FIGETBSZ, which every file answers, and open_tree_attr(2), by a program that is started. */
const BY_A_PROGRAM = `
import ctypes, errno, fcntl, os
try: fcntl.ioctl(os.open("/", os.O_RDONLY), 2, bytes(4)); print("done")
except OSError as error: print(errno.errorcode[error.errno])
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(467, -1, 0, 0, 0, 0)
print(errno.errorcode[ctypes.get_errno()])`

const [tracing] = process.argv.slice(2)
const system = openSystem()
if (system.kind !== 'ready') throw new Error(system.reason)
// Threads of the pool that were there before are confined too.
await stat('/')
const why = tracing === undefined ? undefined : confine(system, tracing as 'reading' | 'any')
const filters = readdirSync('/proc/self/task').map((tid) =>
  Number(/^Seccomp:\s*(\d)/m.exec(readFileSync(`/proc/self/task/${tid}/status`, 'utf8'))?.[1]),
)
const program = spawnSync('python3', ['-c', BY_A_PROGRAM], { encoding: 'utf8' })
const [ioctl, younger] = program.stdout.trim().split('\n')

// No child of this process: Node waits for its children itself, and may take the news of the stop before it is read here.
const pid = Number(spawnSync('sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!'], { encoding: 'utf8' }).stdout)
while (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep')) await sleep(1)
const seizeToKill = system.ptrace(PTRACE_SEIZE, pid, PTRACE_O_EXITKILL)
const seize = seizeToKill === 0 ? 0 : system.ptrace(PTRACE_SEIZE, pid, 0)
const interrupt = system.ptrace(PTRACE_INTERRUPT, pid, 0)
while (system.poll(pid) === 'running') await sleep(1)
const registers = system.ptraceRead(PTRACE_GETREGSET, pid, NT_PRSTATUS, Buffer.alloc(1024))
const poke = system.ptrace(PTRACE_POKEDATA, pid, 0)
const letGo = system.ptrace(PTRACE_DETACH, pid, 0)
process.kill(pid, 'SIGKILL')
const told = { why, filters, ioctl, younger, seizeToKill, seize, interrupt, registers, poke, letGo }
process.stdout.write(JSON.stringify(told))
