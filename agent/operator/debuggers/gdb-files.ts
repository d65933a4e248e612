import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Receipt } from '../../bundle/schema.ts'
import { placeOf } from '../fetch/landing.ts'
import { placeBelow, writeOwn } from '../fetch/place.ts'
import { CONFINE, confinement } from './confine.ts'
import { type CoreScript, coreScripts, OPEN, type StackCore } from './core-scripts.ts'
import { type FetchedProgram, fetchedPrograms, linkByBuildId } from './fetched-programs.ts'
import { tableRows } from './fetched-table.ts'
import { gdbCommand } from './next-steps.ts'
import { type Striking, strikingThreads } from './striking-threads.ts'
import { SYMBOLS, symbols } from './symbols.ts'

/** Where gdb looks for what a core names: nowhere, for this is never made. Out of a directory that is there a name with `..` in it would lead. */
const NOWHERE = `${OPEN}/nowhere`

/**
 * Writes a file of gdb commands for each fetched core, and gives those written: a core's name may leave no room for one, or make it a
 * directory of another one's. `files` are what was fetched, named below the directory. A file that is there is written anew.
 */
export async function writeGdbFiles(
  directory: string,
  files: readonly string[],
  receipts: readonly Receipt[],
): Promise<readonly CoreScript[]> {
  const scripts = coreScripts(files, receipts, await coresOfStacks(directory, files))
  if (scripts.length === 0) return []
  const striking = await strikingThreads(directory, files)
  const programs = fetchedPrograms(files, receipts)
  await linkByBuildId(directory, programs)
  await writeOwn(await placeBelow(directory, CONFINE), confinement())
  await writeOwn(await placeBelow(directory, SYMBOLS), symbols())
  const written: CoreScript[] = []
  for (const script of scripts) {
    const { pid } = script
    const here = await programOf(script, programs, directory)
    const thread = pid === undefined ? undefined : striking.get(pid)
    const path = await placeBelow(directory, script.script).catch(() => undefined)
    if (path === undefined) continue
    await writeOwn(path, gdbCommands(script, { here, thread }))
    written.push(script)
  }
  return written
}

/** Where the program of a core lies, by its path. One of another build is none: gdb then looks by the build-id that the core tells. */
async function programOf(
  { program, buildId }: CoreScript,
  programs: readonly FetchedProgram[],
  directory: string,
): Promise<string | undefined> {
  const place = program === undefined ? undefined : placeOf(program)
  const there = programs.find(({ file }) => file === place)?.buildId
  const isOther = buildId !== undefined && there !== undefined && there !== buildId
  return place !== undefined && !isOther && (await isFile(join(directory, place))) ? place : undefined
}

/** What of a core's process was fetched. */
export interface CoreScene {
  /** Where its program lies, below the directory of the fetch. */
  readonly here?: string | undefined
  /** The thread that matters first, where one does. */
  readonly thread?: Striking | undefined
}

/**
 * The commands that open a core, for a gdb that was started in the directory of the fetch. All text from the bundle in them are names of files
 * that `isPlain` holds for. Files that the core names (NT_FILE, the list of libraries) are looked for where there are none: without that gdb
 * opens them on the machine it runs on, a FIFO too.
 */
export function gdbCommands(
  { script, core, program }: Pick<CoreScript, 'script' | 'core' | 'program'>,
  { here, thread }: CoreScene,
): string {
  const of = program === undefined ? 'Which program it is of is not known here.' : `It is of ${program}.`
  return [
    `# ${of} Start in the directory of the bundle, to have programs and libraries by build-id:`,
    `#   ${gdbCommand(script)}`,
    '# Where they are in no distribution: the root of the image that the host ran, as another option before the first -x:',
    `#   -ex 'set $image = "/path/of/the/image"'`,
    'set auto-load off',
    'set pagination off',
    'set print thread-events off',
    'if $_isvoid($image)',
    `  set sysroot ${NOWHERE}`,
    'else',
    '  eval "set sysroot %s", $image',
    'end',
    ...programLines(program, here),
    `core-file ${core}`,
    // A function that is written in Python: a gdb without it would leave this file at what it cannot run.
    'if !$_isvoid($_streq)',
    `  source ${SYMBOLS}`,
    'end',
    'info threads',
    'thread apply all backtrace',
    ...(thread === undefined ? [] : lastly(thread)),
    '',
  ].join('\n')
}

function programLines(program: string | undefined, here: string | undefined): string[] {
  if (here !== undefined) return [`file ${here}`]
  if (program === undefined) return []
  // In a format, where a percent sign would stand for something.
  return ['if !$_isvoid($image)', `  eval "file %s${program.replaceAll('%', '%%')}", $image`, 'end']
}

/** Ends with the thread that matters first: where the eye is, and where gdb's prompt is then. A gdb without Python ends before. */
function lastly({ tid, stand }: Striking): string[] {
  return [
    `echo \\nThe thread that matters first: ${tid} (${stand})\\n`,
    `python [t.switch() for t in gdb.selected_inferior().threads() if t.ptid[1] == ${tid}]`,
    'backtrace',
  ]
}

/** The cores in the stacks, by their own table. */
async function coresOfStacks(directory: string, files: readonly string[]): Promise<StackCore[]> {
  const table = 'stacks/cores.tsv'
  if (!files.includes(table)) return []
  const rows = await Array.fromAsync(tableRows(join(directory, table), ['core', 'exe', 'pid', 'build_id']))
  return rows.map(({ core = '', exe, pid, build_id: buildId }) => ({ core, exe, pid: Number(pid), buildId }))
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}
