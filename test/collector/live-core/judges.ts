import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process'

const OPTIONS: ExecFileSyncOptionsWithStringEncoding = {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'pipe'],
  maxBuffer: 64 * 1024 * 1024,
}

/** What gdb prints as backtraces of all threads, without what it says of libthread_db, sources and settings. */
export function backtraces(program: string, core: string): string[] {
  const commands = [`core-file ${core}`, 'thread apply all bt'].flatMap((command) => ['-ex', command])
  const lines = execFileSync('gdb', ['-nx', '-batch', ...commands, program], OPTIONS).split('\n')
  return lines
    .filter((line) => /^(#|Thread|Backtrace| {4})/.test(line))
    .map((line) => line.replace(/Thread 0x\w+ \(LWP (\d+)\)/, 'LWP $1'))
}

/** The files whose build-ids a core tells: address and build-id each. */
export function buildIds(core: string): string[] {
  return execFileSync('eu-unstrip', ['-n', `--core=${core}`], OPTIONS)
    .trim()
    .split('\n')
    .sort()
}

/** A core of the same process by gcore, the judge of ours. */
export function gcore(pid: number, prefix: string): string {
  execFileSync('gcore', ['-o', prefix, String(pid)], OPTIONS)
  return `${prefix}.${pid}`
}
