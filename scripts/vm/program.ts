import { spawn } from 'node:child_process'
import { cannot } from '../../agent/words/cannot.ts'

/** What a program said and how it ended. `code` is null when a signal ended it. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
}

/** Runs a program to its end, whatever that is. Killed when the signal says so, which rejects. */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions,
  signal: AbortSignal,
): Promise<Ran> {
  const { input = '', ...rest } = options
  const child = spawn(file, args, { ...rest, signal, killSignal: 'SIGKILL', stdio: 'pipe' })
  child.stdin.on('error', () => {}) // a program that does not read its input is no failure of ours
  child.stdin.end(input)
  const [stdout, stderr] = [gather(child.stdout), gather(child.stderr)]
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { code, stdout: await stdout, stderr: await stderr }
}

/** Runs a program that must succeed, and gives what it printed. The error holds what it complained about. */
export async function output(
  file: string,
  args: readonly string[],
  options: RunOptions,
  signal: AbortSignal,
): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, options, signal).catch((thrown: unknown) => {
    throw cannot(`run ${file}`, thrown)
  })
  if (code !== 0) throw cannot(`run ${file} ${args.join(' ')}`, `it ended with ${code}: ${stderr.trim() || stdout}`)
  return stdout
}

async function gather(stream: NodeJS.ReadableStream): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}
