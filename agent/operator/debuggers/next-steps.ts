import { ROOT } from '../fetch/landing.ts'
import type { Death, Verdict } from '../verdict/verdict.ts'
import { CONFINE } from './confine.ts'
import { type CoreScript, unpackCommand } from './core-scripts.ts'
import { isPlain, operand, unitOption } from './operand.ts'

/**
 * Asks the distributions' own servers (https://sourceware.org/elfutils/Debuginfod.html), unless the operator has named others, or none: what
 * stands before the program in a shell's command.
 */
export const DEBUGINFOD = `DEBUGINFOD_URLS=\${DEBUGINFOD_URLS-https://debuginfod.elfutils.org/}`

/** A command to paste, and what it is for. */
export interface Step {
  /** Printed as a comment, and pasted with the command: a zsh expands in it what it holds, so no text from a bundle but plain names. */
  readonly about: string
  readonly command: string
}

/**
 * How to look at a bundle that was fetched into `directory`. `files` are there, named below it; `scripts` open the cores among them. Of what the
 * host says, only names stand in a command, each as an `operand` or in an option of its own.
 */
export function nextSteps(
  directory: string,
  files: readonly string[],
  { deaths }: Omit<Verdict, 'unfinished'>,
  scripts: readonly CoreScript[],
): Step[] {
  if (files.length === 0) return []
  const steps: Step[] = [{ about: 'where everything is', command: `cd ${operand(directory)}` }]
  if (files.includes('facts/summary.txt'))
    steps.push({ about: 'the host in a page', command: 'less facts/summary.txt' })
  if (files.includes('traces/traces.txt'))
    steps.push({ about: 'what crashed, hung or ran, by function', command: 'less traces/traces.txt' })
  if (files.includes('traces-late/traces.txt'))
    steps.push({ about: 'what crashed meanwhile', command: 'less traces-late/traces.txt' })
  const threads = ['stacks/later/threads.txt', 'stacks/threads.txt', 'threads/threads.txt'].find((name) =>
    files.includes(name),
  )
  if (threads !== undefined) steps.push({ about: 'where every thread stood', command: `less ${threads}` })
  if (files.some((name) => name.startsWith(`${ROOT}/`) && /\.journal~?$/.test(name))) {
    const unit = deaths.find(isInJournal)?.unit
    const ofUnit = unit === undefined ? undefined : unitOption(unit)
    steps.push({ about: 'the journal, its end', command: `journalctl --root=${ROOT} -e` })
    if (ofUnit !== undefined)
      steps.push({ about: 'what the unit said', command: `journalctl --root=${ROOT} ${ofUnit}` })
    if (files.some((name) => name.startsWith(`${ROOT}/var/lib/systemd/coredump/`))) {
      steps.push({ about: 'the crashes', command: `coredumpctl --root=${ROOT} list` })
    }
  }
  return [...steps, ...crashSteps(deaths, scripts), ...livingSteps(scripts)]
}

/** Whether the journal is known to tell of a unit: one that was lost, or is of another boot, has nothing of it. */
function isInJournal({ unit, finding: { evidence } }: Death): boolean {
  return (
    unit !== undefined && evidence.some(({ artifact }) => artifact === 'journal' || artifact.startsWith('journal/'))
  )
}

/** The newest crash stands for the others: their commands differ in the name of the core. */
function crashSteps(deaths: readonly Death[], scripts: readonly CoreScript[]): Step[] {
  const crashed = scripts.filter(({ kind }) => kind === 'cores')
  const byReceipt = new Map(crashed.map((script) => [script.receipt, script]))
  const newest = deaths.find(({ receipt }) => receipt !== undefined && byReceipt.has(receipt))
  const script = newest?.receipt === undefined ? crashed[0] : byReceipt.get(newest.receipt)
  if (script === undefined) return []
  const unpack = unpackCommand(script)
  const program = newest?.program
  const of = program !== undefined && isPlain(program) ? program : 'a process that crashed'
  return [
    ...(unpack === undefined ? [] : [{ about: `the core of ${of}`, command: unpack }]),
    { about: unpack === undefined ? `the threads of ${of}` : 'its threads', command: gdbCommand(script.script) },
  ]
}

/**
 * Starts gdb with a file of commands. What asks for debug information stands on the command line, and what confines gdb in a file of its own:
 * a gdb that cannot would leave the file at that line.
 */
export function gdbCommand(script: string): string {
  const options = ["-iex 'set auto-load off'", "-ex 'set debuginfod enabled on'", `-x ${CONFINE}`]
  return `${DEBUGINFOD} gdb ${options.join(' ')} -x ${operand(script)}`
}

/** How living processes are opened: one of the full cores, and one of the stacks, stand for the others. */
function livingSteps(scripts: readonly CoreScript[]): Step[] {
  const folders = { live: 'a living process, all of it', stacks: 'the stacks of a living process' }
  return Object.entries(folders).flatMap(([folder, about]) => {
    const all = scripts.filter(({ kind }) => kind === folder)
    const [first] = all
    if (first === undefined) return []
    const more = all.length > 1 ? `; ${all.length - 1} more like it` : ''
    return [{ about: `${about}${more}`, command: gdbCommand(first.script) }]
  })
}
