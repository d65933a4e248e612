import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** A frame as gdb has it. */
export interface JudgedFrame {
  readonly pc: number
  /** Of the function, where gdb knows it. */
  readonly name: string | undefined
}

/** No code lies below: Linux, vm.mmap_min_addr. */
const LOWEST = 4096
const SCRIPT = join(import.meta.dirname, 'programs/frames.py')

/** The frames of all threads of a core by gdb, without those of inlined functions, by thread id. */
export function gdbFrames(
  program: string,
  core: string,
  gdb = 'gdb',
  more: readonly string[] = [],
): Map<number, JudgedFrame[]> {
  const commands = [...more, `file ${program}`, `core-file ${core}`, `source ${SCRIPT}`].flatMap((command) => [
    '-ex',
    command,
  ])
  const printed = execFileSync(gdb, ['-nx', '-batch', ...commands], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  })
  const threads = new Map<number, JudgedFrame[]>()
  let frames: JudgedFrame[] = []
  for (const line of printed.split('\n')) {
    const [what, value, ...words] = line.split(' ')
    const name = words.join(' ')
    if (what === 'thread') {
      frames = []
      threads.set(Number(value), frames)
    } else if (what === 'frame') frames.push({ pc: Number(value), name: name === 'None' ? undefined : name })
  }
  // And the count of arguments of the program.
  const isCode = ({ pc }: JudgedFrame) => pc >= LOWEST
  for (const [tid, judged] of threads) threads.set(tid, judged.slice(0, judged.findLastIndex(isCode) + 1))
  return threads
}
