import { readFileSync } from 'node:fs'
import { both, type Pair } from './residents.ts'

/** Between two looks at the memory, ms: a look at 100 MiB takes one. */
const SAMPLE_MS = 5
/** Of clock ticks, in ms: sysconf(_SC_CLK_TCK) is 100 on every Linux that Node runs on. */
const TICK_MS = 10

/** Bytes that a process shares with nobody: proc(5), smaps_rollup. 0 for one that has ended. */
export function privateBytes(pid: number): number {
  const text = read(`/proc/${pid}/smaps_rollup`)
  return [...text.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)].reduce(
    (sum, [, kib]) => sum + Number(kib) * 1024,
    0,
  )
}

/** ms of CPU that a process has used so far: proc(5), stat. */
export function cpuMs(pid: number): number {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS
}

export const ofBoth = ({ daemon, collector }: Pair<number>, figure: (pid: number) => number): Pair<number> => ({
  daemon: figure(daemon),
  collector: figure(collector),
})

/** Looks at two processes again and again, until it is disposed of. */
export class Watch implements Disposable {
  /** The most private memory of both together that was seen at one moment, bytes. */
  peak: Pair<number> = { daemon: 0, collector: 0 }
  /** CPU of each up to now, ms: what remains to be seen of a process that ends. */
  cpu: Pair<number> = { daemon: 0, collector: 0 }
  readonly #timer: NodeJS.Timeout

  constructor(pids: Pair<number>, memory: boolean) {
    this.#timer = setInterval(() => {
      const cpu = ofBoth(pids, cpuMs)
      this.cpu = {
        daemon: Math.max(cpu.daemon, this.cpu.daemon),
        collector: Math.max(cpu.collector, this.cpu.collector),
      }
      if (!memory) return
      const now = ofBoth(pids, privateBytes)
      if (both(now) > both(this.peak)) this.peak = now
    }, SAMPLE_MS)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
