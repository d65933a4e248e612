import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Longer than anything here takes on a machine under load. */
const PATIENCE_MS = 30_000
const MAIN = join(import.meta.dirname, '../../agent/main.ts')

/** A process of ours, with what it said. */
export interface Running {
  readonly child: ChildProcess
  said(): string
  /** Waits until it has said something that matches. */
  says(pattern: RegExp): Promise<void>
  /** Waits for its end: exit code, or the name of the signal. */
  ended(): Promise<number | string>
}

export interface Host {
  readonly directory: string
  readonly socket: string
  readonly hold: string
  readonly bucket: string
  collector(...args: string[]): Running
  daemon(...args: string[]): Running
  /** A daemon that has no store. */
  homeless(...args: string[]): Running
}

/** Both resident processes as their units start them, with sockets and a bucket in a directory of their own. */
export async function hostOf(test: { teardown(end: () => Promise<void>): void }): Promise<Host> {
  const directory = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  const [socket, hold, bucket] = ['collector.sock', 'hold', 'bucket'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  const running: Running[] = []
  const start = (command: string, args: readonly string[]) => {
    const node = [
      ...process.execArgv.filter((arg) => arg.startsWith('--disable-warning')),
      MAIN,
      command,
      '--socket',
      socket,
    ]
    const one = run(process.execPath, ['--disable-warning=ExperimentalWarning', ...node, ...args])
    running.push(one)
    return one
  }
  test.teardown(async () => {
    for (const { child } of running) child.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  })
  const store = ['--set', `store="${pathToFileURL(bucket).href}"`, '--set', 'identity="host-1"']
  return {
    directory,
    socket,
    hold,
    bucket,
    // The memory of the machine that the tests run on is nobody's to read.
    collector: (...args) => start('collector', ['--hold', hold, '--set', 'memory.scope="off"', ...args]),
    daemon: (...args) => start('daemon', [...store, ...args]),
    homeless: (...args) => start('daemon', args),
  }
}

/** Starts a program. */
export function run(program: string, args: readonly string[]): Running {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => {
      text += bytes
    })
  const exit = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
  return {
    child,
    said: () => text,
    says: (pattern) => until(() => pattern.test(text), `${program} to say ${pattern}; it said: ${text}`),
    ended: () => within(exit, `${program} to end`),
  }
}

export async function exists(path: string): Promise<void> {
  await until(async () => (await stat(path).catch(() => undefined)) !== undefined, `${path} to be there`)
}

/** Polls until something holds; an error names what did not. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => timeout.reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS)
  return await Promise.race([promise, timeout.promise]).finally(() => clearTimeout(timer))
}
