/** What /proc/PID/stat says. Times in seconds, sizes in bytes. */
export interface Stat {
  readonly pid: number
  readonly comm: string
  readonly state: string
  readonly ppid: number
  readonly pgid: number
  readonly kernelThread: boolean
  readonly minflt: number
  readonly majflt: number
  readonly utime: number
  readonly stime: number
  readonly nice: number
  readonly threads: number
  /** Seconds after boot. */
  readonly start: number
  readonly vsz: number
  readonly rss: number
}

/** Clock ticks a second in /proc, on every architecture Node runs on (USER_HZ). */
export const TICKS = 100
/** PF_KTHREAD in include/linux/sched.h. */
const KERNEL_THREAD = 0x00200000

/** A line of /proc/PID/stat in its fields. */
export interface StatFields {
  readonly pid: number
  readonly comm: string
  readonly state: string
  /** The fields behind these, by their numbers in proc_pid_stat(5), 4 and up: as they stand there, NaN for one that does not. */
  readonly field: (number: number) => number
}

/**
 * Takes one line of /proc/PID/stat apart. The name stands in parentheses and may hold any character, parentheses and blanks too,
 * so it ends at the last one.
 */
export function statFields(line: string): StatFields | undefined {
  const open = line.indexOf('(')
  const close = line.lastIndexOf(')')
  if (open < 1 || close < open) return undefined
  const [state = '?', ...numbers] = line.slice(close + 2).split(' ')
  return {
    pid: Number(line.slice(0, open)),
    comm: line.slice(open + 1, close),
    state,
    field: (number) => Number(numbers[number - 4]),
  }
}

/** Reads one line of /proc/PID/stat. */
export function parseStat(line: string, pageBytes: number): Stat | undefined {
  const fields = statFields(line)
  if (fields === undefined) return undefined
  const { pid, comm, state, field } = fields
  return {
    ...{ pid, comm, state },
    ppid: field(4),
    pgid: field(5),
    kernelThread: (field(9) & KERNEL_THREAD) !== 0,
    minflt: field(10),
    majflt: field(12),
    utime: field(14) / TICKS,
    stime: field(15) / TICKS,
    nice: field(19),
    threads: field(20),
    start: field(22) / TICKS,
    vsz: field(23),
    rss: field(24) * pageBytes,
  }
}

/** The number behind a name in /proc/PID/status, /proc/meminfo or /proc/vmstat; those in kB as bytes. */
export function numberOf(text: string | undefined, name: string): number | undefined {
  const found = text?.match(new RegExp(`^${name}:?\\s+(\\d+)( kB)?`, 'm'))
  return found?.[1] === undefined ? undefined : Number(found[1]) * (found[2] === undefined ? 1 : 1024)
}
