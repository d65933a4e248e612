import { posix } from 'node:path'
import type { Receipt } from '../bundle/schema.ts'
import { ROOT } from './landing.ts'
import { libraryPath } from './libraries.ts'
import { shellWord } from './printable.ts'
import type { Crash, Verdict } from './verdict.ts'

/** Asks the distributions' own servers: https://sourceware.org/elfutils/Debuginfod.html */
export const DEBUGINFOD = 'https://debuginfod.elfutils.org/'

/** A command to paste, and what it is for. */
export interface Step {
  readonly about: string
  readonly command: string
}

/**
 * How to look at a bundle that was fetched into `directory`. `files` are there, named below it; `scripts`
 * are the gdb commands that we wrote ourselves: none that came from the host is ever proposed.
 */
export function nextSteps(
  directory: string,
  files: readonly string[],
  { crashes }: Verdict,
  scripts: readonly string[] = [],
): Step[] {
  if (files.length === 0) return []
  const steps: Step[] = [{ about: 'where everything is', command: `cd ${shellWord(directory)}` }]
  if (files.includes('facts/summary.txt'))
    steps.push({ about: 'the host in a page', command: 'less facts/summary.txt' })
  const threads = ['stacks/later/threads.txt', 'stacks/threads.txt'].find((name) => files.includes(name))
  if (threads !== undefined) steps.push({ about: 'where every thread stood', command: `less ${threads}` })
  if (files.some((name) => name.startsWith(`${ROOT}/`) && /\.journal~?$/.test(name))) {
    const unit = crashes.find((crash) => crash.unit !== undefined)?.unit
    steps.push({ about: 'the journal, its end', command: `journalctl --root=${ROOT} -e` })
    if (unit !== undefined) {
      steps.push({ about: 'what the unit said', command: `journalctl --root=${ROOT} -u ${shellWord(unit)}` })
    }
    if (files.some((name) => name.startsWith(`${ROOT}/var/lib/systemd/coredump/`))) {
      steps.push({ about: 'the crashes', command: `coredumpctl --root=${ROOT} list` })
    }
  }
  // The newest crash stands for the others: their commands differ in the name of the core.
  const [newest] = crashes.flatMap((crash) => {
    const file = files.find((name) => isOf(name, crash.receipt))
    return file === undefined ? [] : [{ crash, file }]
  })
  if (newest !== undefined) steps.push(...coreSteps(newest.file, newest.crash, files))
  return [...steps, ...gdbSteps(scripts)]
}

/** Whether a fetched file is the artifact of a receipt; frames are fetched without the `.zst` of their name. */
function isOf(file: string, { artifact, item }: Receipt): boolean {
  return file === `${ROOT}${item.path}` || file === artifact || `${file}.zst` === artifact
}

function coreSteps(file: string, { program, pid, receipt: { item } }: Crash, files: readonly string[]): Step[] {
  const unpack = UNPACK[posix.extname(file)]
  const core =
    unpack === undefined
      ? file
      : [program === '?' ? 'unknown' : posix.basename(program), pid, 'core']
          .filter((part) => part !== undefined)
          .join('.')
  const isHere = files.includes(`${ROOT}${item.exe}`)
  const exe = item.exe === undefined ? '' : `${shellWord(isHere ? `${ROOT}${item.exe}` : item.exe)} `
  const about =
    item.exe === undefined || isHere ? 'its threads' : `its threads; ${item.exe} must be the build that the host ran`
  const libraries = libraryPath(files)
  const search = libraries === '' ? '' : `-iex 'set solib-search-path ${libraries}' `
  const gdb = `DEBUGINFOD_URLS=${DEBUGINFOD} gdb ${search}${exe}--core=${shellWord(core)} -ex 'thread apply all bt'`
  const first = { about: `the core of ${program}`, command: `${unpack} ${shellWord(file)} > ${shellWord(core)}` }
  return [...(unpack === undefined ? [] : [first]), { about, command: gdb }]
}

/**
 * Starts gdb with a file of commands. What asks for debug information stands on the command line: a gdb that cannot would
 * leave the file at that line.
 */
export function gdbCommand(script: string): string {
  return `DEBUGINFOD_URLS=${DEBUGINFOD} gdb -ex 'set debuginfod enabled on' -x ${script}`
}

/** How living processes are opened: one of the full cores, and one of the stacks, stand for the others. */
function gdbSteps(scripts: readonly string[]): Step[] {
  const folders = { live: 'a living process, all of it', stacks: 'the stacks of a living process' }
  return Object.entries(folders).flatMap(([folder, about]) => {
    const all = scripts.filter((name) => name.startsWith(`${folder}/`))
    const [first] = all
    if (first === undefined) return []
    const more = all.length > 1 ? `; ${all.length - 1} more like it` : ''
    return [{ about: `${about}${more}`, command: gdbCommand(shellWord(first)) }]
  })
}

/** How systemd-coredump's compressions are undone: coredump.conf(5). */
const UNPACK: Readonly<Record<string, string>> = { '.zst': 'zstd -d -c', '.lz4': 'lz4 -d -c', '.xz': 'xz -d -c' }
