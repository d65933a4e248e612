import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process'

const OPTIONS: ExecFileSyncOptionsWithStringEncoding = {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'pipe'],
  maxBuffer: 64 * 1024 * 1024,
}

/** The debugger that judges: by-testing-gdb.ts brings another one. */
const GDB = process.env.GDB ?? 'gdb'

/** Between what gdb prints of one core and of the next. */
const NEXT = '== next =='

/**
 * What gdb prints as backtraces of each core: where the process stands, then that of each thread, by the thread's id: in which order
 * a core has its threads is every writer's own choice, but for the first. Without what it says of libthread_db, sources and
 * settings. One gdb for all: most of its time goes into the program's symbols.
 */
export function backtraces(program: string, cores: readonly string[]): Record<string, string[]>[] {
  const commands = cores.flatMap((core) => [`core-file ${core}`, 'thread apply all bt', `echo ${NEXT}\\n`])
  const options = commands.flatMap((command) => ['-ex', command])
  const printed = execFileSync(GDB, ['-nx', '-batch', ...options, program], OPTIONS)
  return printed.split(`${NEXT}\n`, cores.length).map(stacksIn)
}

function stacksIn(printed: string): Record<string, string[]> {
  let stack: string[] = []
  const stacks: Record<string, string[]> = { first: stack }
  for (const line of printed.split('\n')) {
    const thread = /^Thread \d+ \((?:Thread 0x\w+ \()?(LWP \d+)\)/.exec(line)?.[1]
    if (thread !== undefined) stack = stacks[thread] = []
    else if (/^(#|Backtrace| {4})/.test(line)) stack.push(line)
  }
  return stacks
}

/** The files whose build-ids a core tells: address and build-id each. */
export function buildIds(core: string): string[] {
  const listed = execFileSync('eu-unstrip', ['-n', `--core=${core}`], OPTIONS)
  return [...listed.matchAll(/^(0x\w+)\+0x\w+ (\w+)@/gm)].map(([, address, id]) => `${address} ${id}`).sort()
}

/** A core of the same process by gdb, the judge of ours: what gcore(1) runs. */
export function gcore(pid: number, path: string): string {
  const commands = [`attach ${pid}`, `generate-core-file ${path}`, 'detach'].flatMap((command) => ['-ex', command])
  execFileSync(GDB, ['-nx', '-batch', ...commands], OPTIONS)
  return path
}
