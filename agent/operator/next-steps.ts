import { posix } from 'node:path'
import { shellWord } from './printable.ts'
import type { Verdict } from './verdict.ts'

/** Asks the distributions' own servers: https://sourceware.org/elfutils/Debuginfod.html */
const DEBUGINFOD = 'https://debuginfod.elfutils.org/'

/** A command to paste, and what it is for. */
export interface Step {
  readonly about: string
  readonly command: string
}

/** How to look at a bundle that was fetched into `directory`. `files` are there, named below it. */
export function nextSteps(directory: string, files: readonly string[], { crashes }: Verdict): Step[] {
  const steps: Step[] = []
  const at = (name: string) => shellWord(posix.join(directory, name))
  if (files.includes('facts/summary.txt'))
    steps.push({ about: 'the host in a page', command: `less ${at('facts/summary.txt')}` })
  if (files.some((name) => name.endsWith('.journal'))) {
    const unit = crashes.find((crash) => crash.unit !== undefined)?.unit
    steps.push({ about: 'the journal, its end', command: `journalctl --root=${at('root')} -e` })
    if (unit !== undefined) {
      steps.push({ about: 'what the unit said', command: `journalctl --root=${at('root')} -u ${shellWord(unit)}` })
    }
    if (files.some((name) => name.startsWith('root/var/lib/systemd/coredump/'))) {
      steps.push({ about: 'the crashes', command: `coredumpctl --root=${at('root')} list` })
    }
  }
  const cores = crashes.flatMap((crash) => {
    const file = files.find(
      (name) => name === `root${crash.receipt.item.path}` || sameArtifact(name, crash.receipt.artifact),
    )
    return file === undefined ? [] : [{ ...crash, file }]
  })
  for (const { file, program, receipt } of cores) steps.push(...coreSteps(at, file, program, receipt.item.exe))
  return steps
}

/** A framed artifact is fetched without the `.zst` that it has in the store. */
const sameArtifact = (file: string, artifact: string) => file === artifact || `${file}.zst` === artifact

function coreSteps(at: (name: string) => string, file: string, program: string, exe: string | undefined): Step[] {
  const unpack = { zst: 'zstd -d -c', lz4: 'lz4 -d -c', xz: 'xz -d -c' }[posix.extname(file).slice(1)]
  const core = unpack === undefined ? at(file) : at(`${posix.basename(program)}.core`)
  const gdb = `DEBUGINFOD_URLS=${DEBUGINFOD} gdb ${exe === undefined ? '' : `${shellWord(exe)} `}--core=${core} -ex 'thread apply all bt'`
  return [
    ...(unpack === undefined ? [] : [{ about: `the core of ${program}`, command: `${unpack} ${at(file)} > ${core}` }]),
    {
      about: exe === undefined ? 'its threads' : `its threads; ${exe} must be the build that the host ran`,
      command: gdb,
    },
  ]
}
