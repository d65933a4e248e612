import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { runProgram } from '../../agent/commands/program.ts'

export const MAIN = join(import.meta.dirname, '../../agent/main.ts')

/**
 * The environment of a program that is to heed nothing of this one. Node keeps what it has compiled in a directory, by an absolute name for
 * tests that start it elsewhere: so it starts in half of the time.
 */
export const CLEAN: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../../.cache/compile'),
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** These start this program once more, as a collector; and yargs writes its help past what a command is given. */
const NEEDS_PROCESS = /^(capture|check)\b|(^| )--(help|version)\b/

/** A test may have changed where programs are found. */
const environment = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ ...CLEAN, PATH: process.env.PATH, ...more })

/**
 * Runs the program in this process, with nothing of its environment that it would heed: what a command does and says, without the
 * time that a process takes to start. One at a time.
 */
export async function lastgasp(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  if (NEEDS_PROCESS.test(args.join(' '))) throw new Error(`${args[0]} is to be run as a process`)
  const { env, exitCode } = process
  const [stdout, stderr] = [new Printed(), new Printed()]
  process.env = environment(more)
  process.exitCode = 0
  try {
    const [out, err] = [stdout, stderr] as unknown as readonly [NodeJS.WriteStream, NodeJS.WriteStream]
    const signal = new AbortController().signal
    await runProgram(args, { stdout: out, stderr: err, env: process.env, signal })
    return { code: Number(process.exitCode), stdout: stdout.text(), stderr: stderr.text() }
  } finally {
    process.env = env
    process.exitCode = exitCode
  }
}

/** What is no terminal, and keeps what is written. */
class Printed extends Writable {
  readonly #chunks: Buffer[] = []

  override _write(chunk: Buffer, _: BufferEncoding, taken: () => void): void {
    this.#chunks.push(chunk)
    taken()
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString()
  }
}

/** Runs the program as a process of its own, where a test is about one. */
export async function asProcess(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(more),
  })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { code, stdout, stderr }
}
