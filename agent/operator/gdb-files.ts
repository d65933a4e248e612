import { createReadStream } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { createInterface } from 'node:readline'
import type { Receipt } from '../bundle/schema.ts'
import { ROOT } from './landing.ts'
import { gdbCommand } from './next-steps.ts'
import { placeBelow } from './place.ts'

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
  const programs = new Map([...(await programsOfStacks(directory, files)), ...programsOf(receipts)])
  const written: string[] = []
  for (const core of cores) {
    const program = programs.get(core)
    const isHere = program !== undefined && (await isFile(join(directory, ROOT, program)))
    await writeFile(await placeBelow(directory, `${core}.gdb`), gdbCommands(core, program, isHere), { mode: 0o600 })
    written.push(`${core}.gdb`)
  }
  return written
}

/** The commands that open a core, for a gdb that was started in the directory of the fetch. */
export function gdbCommands(core: string, program: string | undefined, isHere: boolean): string {
  const of = program === undefined ? 'Which program it is of is not known here.' : `It is of ${program}.`
  const sysroot = isHere ? [`set sysroot ${ROOT}`, `file ${ROOT}${program}`] : []
  return [
    `# ${of} Start in the directory of the bundle, to have programs and libraries by build-id:`,
    `#   ${gdbCommand(`${core}.gdb`)}`,
    "# Where they are in no distribution, give the image that the host ran: -ex 'set sysroot /path/to/its/root' before -x.",
    'set pagination off',
    ...sysroot,
    `core-file ${core}`,
    'info threads',
    'thread apply all backtrace',
    '',
  ].join('\n')
}

/** The programs of cores that are artifacts, by where they land. */
function programsOf(receipts: readonly Receipt[]): [string, string][] {
  return receipts.flatMap(({ artifact, item: { exe } }) => pair(artifact.replace(/\.zst$/, ''), exe))
}

/** The programs of the cores in the stacks, by their own table. */
async function programsOfStacks(directory: string, files: readonly string[]): Promise<[string, string][]> {
  const table = 'stacks/cores.tsv'
  if (!files.includes(table)) return []
  const found: [string, string][] = []
  let columns: readonly string[] | undefined
  let lines = 0
  for await (const line of createInterface({ input: createReadStream(join(directory, table)) })) {
    const cells = line.split('\t')
    if (++lines > LINES) break
    if (columns === undefined) columns = cells
    else found.push(...pair(`stacks/${cells[columns.indexOf('core')]}`, cells[columns.indexOf('exe')]))
  }
  return found
}

function pair(core: string, exe: string | undefined): [string, string][] {
  const program = exe?.replace(/ \(deleted\)$/, '')
  const isUsable =
    program !== undefined && PLAIN.test(program) && posix.normalize(program) === program && program[0] === '/'
  return isUsable ? [[core, program]] : []
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}
