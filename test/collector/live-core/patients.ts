import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { openSystem } from '../../../agent/collector/host/ffi.ts'
import { statFields } from '../../../agent/collector/host/process-files.ts'
import { canTrace } from '../../../agent/collector/live-core/preflight.ts'
import type { Limits, Target } from '../../../agent/collector/live-core/target.ts'
import { built } from '../../built.ts'

export const PROGRAMS = join(import.meta.dirname, 'programs')
export const system = openSystem()
export const limits: Limits = { freezeMs: 20_000, threads: 4096 }
export const never = new AbortController().signal

const able = canTrace(system, '/')
/** For `t.test`: skipped by name where nothing can be traced. */
export const traced = { skip: able.ok ? false : able.reason } as const

/** Whether all of these programs are installed, for `skip`. */
export function without(...programs: readonly string[]): string | false {
  const missing = programs.filter((program) => !installed(program))
  return missing.length > 0 && `not installed: ${missing.join(', ')} (scripts/install-languages.sh)`
}

function installed(program: string): boolean {
  const isThere = (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, program)))
  // What chooses between versions is there for those, too, that it does not have.
  return isThere && (!program.startsWith('python') || spawnSync(program, ['--version']).status === 0)
}

/** Compiles one of the C programs into `directory`. */
export function compile(directory: string, name: string, options = ['-O0', '-g'], compiler = 'gcc'): string {
  const source = join(PROGRAMS, `${name}.c`)
  const args = [...options, '-pthread', source]
  built(directory, source, [compiler, ...args], (to) =>
    execFileSync(compiler, [...args, '-o', join(to, name)], { stdio: 'pipe' }),
  )
  return join(directory, name)
}

export interface Patient {
  readonly target: Target
  readonly output: string
  /** Lines of its output before "ready". */
  readonly said: readonly string[]
}

/**
 * Starts a program that says "ready", and kills it after the test. Not as a child of ours: libuv takes a traced child that stops for
 * one that has ended, and a tracer that is not the parent is the usual case anyhow.
 */
export async function start(
  t: { teardown(then: () => void): void },
  directory: string,
  command: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Patient> {
  const output = join(directory, `output-${Math.random().toString(36).slice(2)}`)
  const script = 'out=$1; shift; "$@" <&- >"$out" 2>&1 & echo $!'
  const pid = Number(execFileSync('sh', ['-c', script, 'sh', output, ...command], { encoding: 'utf8', env }))
  t.teardown(() => {
    kill(target)
    // Where just-in-time compilers write what their code is called, whatever they are told.
    rmSync(`/tmp/perf-${pid}.map`, { force: true })
  })
  const target = targetOf(pid)
  for (let tries = 0; tries < 600; tries += 1) {
    const said = readFileSync(output, 'utf8').split('\n')
    if (said.includes('ready')) return { target, output, said: said.slice(0, said.indexOf('ready')) }
    await setTimeout(50)
  }
  throw new Error(`${command.join(' ')} does not get ready: ${readFileSync(output, 'utf8')}`)
}

export function targetOf(pid: number): Target {
  return { pid, start: statFields(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.field(22) ?? 0, root: '/' }
}

/** Kills a process that a test has started, and only that. */
export function kill({ pid, start }: Target): void {
  try {
    if (targetOf(pid).start === start) process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

/** A field of /proc/PID/status. */
export function status(pid: number, key: string): string {
  return new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
}

/** Waits until something holds; throws with its name after 20 s. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2000; tries += 1) {
    if (holds()) return
    await setTimeout(10)
  }
  throw new Error(`it does not come about that ${what}`)
}
