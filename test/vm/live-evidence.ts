import { equal, ok } from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { output } from '../../scripts/vm/program.ts'
import type { Bucket } from './bucket.ts'
import type { Operator } from './operator.ts'

/** The newest bundle's live evidence, as an operator has fetched it. */
export interface Evidence {
  /** What `lastgasp show` printed. */
  readonly shown: string
  /** Where the files are. */
  readonly directory: string
  /** What was last seen of each thread. */
  readonly threads: readonly ThreadRow[]
}

/** A line of threads.tsv: STACKS.md. */
export type ThreadRow = Readonly<Record<string, string>>

/** Shows and fetches the newest bundle. What is cut in emulation makes it exit code 4. */
export async function fetchEvidence(
  operator: Operator,
  bucket: Bucket,
  directory: string,
  signal: AbortSignal,
): Promise<Evidence> {
  const shown = await operator.lastgasp(['show', 'latest'], bucket.url, signal)
  const args = ['fetch', 'latest', '--only', 'stacks,traces,live', '--to', directory, '--identity', operator.identity]
  const fetched = await operator.lastgasp(args, bucket.url, signal)
  ok(fetched.code === 0 || fetched.code === 4, `fetch: ${fetched.stdout}${fetched.stderr}`)
  const tables = ['stacks/later/threads.tsv', 'stacks/threads.tsv'].map((name) =>
    readFile(join(directory, name), 'utf8').catch(() => ''),
  )
  const [later, first] = await Promise.all(tables)
  return { shown: shown.stdout, directory, threads: rows(later || first || '') }
}

function rows(table: string): ThreadRow[] {
  const [head = '', ...lines] = table.trimEnd().split('\n')
  const columns = head.split('\t')
  return lines.map((line) => Object.fromEntries(line.split('\t').map((cell, at) => [columns[at] ?? '', cell])))
}

/** The threads of a service, each as `name stand`, in order. */
export function standing({ threads }: Evidence, unit: string): string[] {
  return threads
    .filter((row) => row.unit === `${unit}.service`)
    .map(({ thread, stand }) => `${thread} ${stand}`)
    .sort()
}

/** The one core of a service, or of one process of it: of its stacks, or the whole. */
export async function coreOf(
  { directory }: Evidence,
  kind: 'stacks' | 'live',
  unit: string,
  pid?: number,
): Promise<string> {
  const names = await readdir(join(directory, kind), { recursive: true })
  const of = kind === 'stacks' ? `${unit}.service/` : `${unit}.service.`
  const cores = names.filter(
    (name) => name.startsWith(of) && name.endsWith(`${pid === undefined ? '' : `.${pid}`}.core`),
  )
  equal(cores.length, 1, `one core of ${unit} is below ${kind}: ${names.join(' ')}`)
  return join(kind, cores[0] ?? '')
}

/** The backtraces that gdb prints by the commands that were written for a core, thread by thread, each as `inner < … < outer`. */
export async function backtraces(
  { directory }: Evidence,
  core: string,
  program: string,
  signal: AbortSignal,
): Promise<string[]> {
  const args = ['-nx', '-batch', '-ex', `file ${program}`, '-x', `open/${core}.gdb`]
  const printed = await output('gdb', args, { cwd: directory }, signal)
  const threads = printed.split(/^Thread \d+ /m).flatMap((text, at) => (at === 0 ? [] : [text.split('\n\n')[0] ?? '']))
  return threads.map((text) =>
    [...text.matchAll(/^#\d+ +(?:0x\w+ in )?(\w+) \(/gm)].map(([, name]) => name).join(' < '),
  )
}
