import { createReadStream } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { createInterface } from 'node:readline'
import type { Receipt } from '../bundle/schema.ts'
import { ROOT } from './landing.ts'
import { libraryPath } from './libraries.ts'
import { gdbCommand } from './next-steps.ts'
import { placeBelow } from './place.ts'
import { type Striking, strikingThreads } from './striking-threads.ts'

/** Where cores land that are opened as they lie there. */
const CORE = /^(live|stacks|cores)\/.+\.core$/
/**
 * What may stand in a line for gdb. Names come from the host: one with a line end in it would be a command of its own
 * (`shell` is one), and gdb takes quotes and backslashes apart.
 */
const PLAIN = /^[\w@%+=:,./-]+$/
/** Lines of a table of cores that are read: more processes than a host runs. */
const LINES = 100_000

/**
 * Writes a file of gdb commands next to each fetched core, and gives their names below the directory. `files` are what was
 * fetched, named below it. A file of that name is written anew.
 */
export async function writeGdbFiles(
  directory: string,
  files: readonly string[],
  receipts: readonly Receipt[],
): Promise<readonly string[]> {
  const cores = files.filter((name) => CORE.test(name) && PLAIN.test(name))
  if (cores.length === 0) return []
  const known = new Map([...(await coresOfStacks(directory, files)), ...coresOf(receipts)])
  const striking = await strikingThreads(directory, files)
  const libraries = libraryPath(files)
  const written: string[] = []
  for (const core of cores) {
    const { program, pid } = known.get(core) ?? {}
    const isHere = program !== undefined && (await isFile(join(directory, ROOT, program)))
    const commands = gdbCommands(core, {
      program,
      isHere,
      libraries,
      thread: pid === undefined ? pid : striking.get(pid),
    })
    await writeFile(await placeBelow(directory, `${core}.gdb`), commands, { mode: 0o600 })
    written.push(`${core}.gdb`)
  }
  return written
}

/** What is known of a core, and what of its program was fetched. */
export interface CoreScene {
  readonly program?: string | undefined
  /** Whether the program lies below the root of the fetch. */
  readonly isHere?: boolean
  /** Directories with libraries: `libraryPath`. */
  readonly libraries?: string
  /** The thread that matters first, where one does. */
  readonly thread?: Striking | undefined
}

/** The commands that open a core, for a gdb that was started in the directory of the fetch. */
export function gdbCommands(core: string, { program, isHere = false, libraries = '', thread }: CoreScene): string {
  const of = program === undefined ? 'Which program it is of is not known here.' : `It is of ${program}.`
  const image = `-ex 'set sysroot IMAGE' -ex 'file IMAGE${program ?? '/path/of/the/program'}'`
  const hint = isHere
    ? []
    : ['# Where it is in no distribution, give the root of the image that the host ran, before -x:', `#   ${image}`]
  return [
    `# ${of} Start in the directory of the bundle, to have programs and libraries by build-id:`,
    `#   ${gdbCommand(`${core}.gdb`)}`,
    ...hint,
    'set pagination off',
    'set print thread-events off',
    ...(libraries === '' ? [] : [`set solib-search-path ${libraries}`]),
    ...(isHere ? [`file ${ROOT}${program}`] : []),
    `core-file ${core}`,
    'info threads',
    'thread apply all backtrace',
    ...(thread === undefined ? [] : lastly(thread)),
    '',
  ].join('\n')
}

/** Ends with the thread that matters first: where the eye is, and where gdb's prompt is then. A gdb without Python ends before. */
function lastly({ tid, stand }: Striking): string[] {
  return [
    `echo \\nThe thread that matters first: ${tid} (${stand})\\n`,
    `python [t.switch() for t in gdb.selected_inferior().threads() if t.ptid[1] == ${tid}]`,
    'backtrace',
  ]
}

type Known = readonly [core: string, { readonly program?: string; readonly pid?: number }]

/** What is known of cores that are artifacts, by where they land. */
function coresOf(receipts: readonly Receipt[]): Known[] {
  return receipts.map(({ artifact, item: { exe, pid } }) => known(artifact.replace(/\.zst$/, ''), exe, pid))
}

/** And of the cores in the stacks, by their own table. */
async function coresOfStacks(directory: string, files: readonly string[]): Promise<Known[]> {
  const table = 'stacks/cores.tsv'
  if (!files.includes(table)) return []
  const found: Known[] = []
  let columns: readonly string[] | undefined
  let lines = 0
  for await (const line of createInterface({ input: createReadStream(join(directory, table)) })) {
    const cells = line.split('\t')
    if (++lines > LINES) break
    if (columns === undefined) columns = cells
    else {
      const [core, exe, pid] = ['core', 'exe', 'pid'].map((name) => cells[columns?.indexOf(name) ?? -1])
      found.push(known(`stacks/${core}`, exe, Number(pid)))
    }
  }
  return found
}

function known(core: string, exe: string | undefined, pid: number | undefined): Known {
  const program = exe?.replace(/ \(deleted\)$/, '')
  const isUsable =
    program !== undefined && PLAIN.test(program) && posix.normalize(program) === program && program[0] === '/'
  return [core, { ...(isUsable && { program }), ...(Number.isSafeInteger(pid) && { pid: pid as number }) }]
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}
