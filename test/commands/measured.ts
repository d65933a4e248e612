import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asProcess, type Ended } from './lastgasp.ts'

/** What a run of the program took. */
export interface Measured extends Ended {
  /** Most memory at a time, in bytes. */
  readonly peak: number
  /** Processor, user and system, in seconds. */
  readonly processor: number
}

/**
 * Writes its own figures when it ends. The peak is VmHWM of proc_pid_status(5), in KiB: getrusage(2) would have the test's own
 * memory in it, from before exec.
 */
const NOTE = `import { readFileSync, writeFileSync } from 'node:fs'
process.on('exit', () => {
  const [, peak] = /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  const processor = (userCPUTime + systemCPUTime) / 1e6
  writeFileSync(process.env.TEST_FIGURES, JSON.stringify({ peak: peak * 1024, processor }))
})`

/** Runs the program as a process, and tells what it took. `scratch`: a directory for a file of figures. */
export async function measured(args: readonly string[], scratch: string): Promise<Measured> {
  const figures = join(scratch, 'figures.json')
  const script = `data:text/javascript,${encodeURIComponent(NOTE)}`
  const ended = await asProcess(args, { TEST_FIGURES: figures, NODE_OPTIONS: `--import=${script}` })
  return { ...ended, ...JSON.parse(await readFile(figures, 'utf8')) }
}
