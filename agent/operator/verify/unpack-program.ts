import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { DamageError } from '../../frames/errors.ts'
import { cannot } from '../../words/cannot.ts'

/**
 * Programs of the operator's machine that unpack what Node cannot, with all that stands on their command lines: nothing of a bundle does. They
 * read from a pipe and write to one; xz is given no more memory than its largest preset takes to unpack, four times over.
 */
const PROGRAMS = {
  '.lz4': { program: 'lz4', args: ['-dc'] },
  '.xz': { program: 'xz', args: ['--decompress', '--stdout', '--no-warn', '--memlimit-decompress=256MiB'] },
} as const

/** What writing into a pipe gives that nobody reads from any more. */
const ENDED: readonly string[] = ['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED']

/** What unpacks an artifact of this name; undefined where that takes none of these programs. */
export function unpackProgram(artifact: string): string | undefined {
  return formOf(artifact)?.program
}

/** Those of these programs that are not installed here. */
export async function absentPrograms(): Promise<ReadonlySet<string>> {
  const programs = Object.values(PROGRAMS).map(({ program }) => program)
  const directories = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute)
  const isThere = async (program: string) => {
    const tries = directories.map((directory) => access(join(directory, program), constants.X_OK))
    return (await Promise.allSettled(tries)).some(({ status }) => status === 'fulfilled')
  }
  const there = await Promise.all(programs.map(isThere))
  return new Set(programs.filter((_, index) => !there[index]))
}

/**
 * What packed content of an artifact holds, by the program for it. Throws DamageError after all that could be
 * unpacked; and what the content throws. The program is ended when nobody reads on.
 */
export async function* unpackedByProgram(
  artifact: string,
  packed: AsyncIterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const form = formOf(artifact)
  if (form === undefined) throw new Error(`no program unpacks ${artifact}`)
  const { PATH = '' } = process.env
  // Options of the operator's environment (XZ_OPT) are for files that he has made.
  const child = spawn(form.program, form.args, { stdio: ['pipe', 'pipe', 'ignore'], env: { PATH }, cwd: '/' })
  const exited = Promise.withResolvers<number | null>()
  child.once('error', (error) => exited.reject(cannot(`unpack ${artifact}`, error)))
  child.once('close', (code) => exited.resolve(code))
  exited.promise.catch(() => {})
  const onAbort = () => child.kill('SIGKILL')
  signal.addEventListener('abort', onAbort, { once: true })
  let storedOffset = 0
  async function* counted() {
    for await (const chunk of packed) {
      storedOffset += chunk.length
      yield chunk
    }
  }
  const fed = pipeline(counted(), child.stdin).catch((error: NodeJS.ErrnoException) => error)
  let plainBytes = 0
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      signal.throwIfAborted()
      plainBytes += chunk.length
      yield chunk
    }
    const code = await exited.promise
    signal.throwIfAborted()
    const failure = await fed
    // A program that ends before it has read everything is told by how it ends.
    if (failure !== undefined && !ENDED.includes(failure.code ?? '')) throw failure
    if (code !== 0) throw new DamageError(`${form.program} cannot unpack all of it`, { plainBytes, storedOffset })
  } finally {
    signal.removeEventListener('abort', onAbort)
    child.kill('SIGKILL')
  }
}

function formOf(artifact: string) {
  return Object.entries(PROGRAMS).find(([suffix]) => artifact.endsWith(suffix))?.[1]
}
