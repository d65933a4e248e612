import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { cannot } from '../../agent/words/cannot.ts'

const execute = promisify(execFile)

/** Runs a program to its end and gives what it printed. Its own words are in the error when it fails. */
export async function run(program: string, args: readonly string[], signal: AbortSignal, cwd = '.'): Promise<string> {
  try {
    return (await execute(program, args, { signal, cwd, maxBuffer: 16 * 1024 * 1024 })).stdout
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
    throw cannot(`run ${program} ${args.join(' ')}`, `${stdout}${stderr}`.trim() || message)
  }
}
