import { isoSecond } from '../../../words/instant.ts'
import { FIGURES, type Figures, type History, type Sample, type Told, type Who } from '../../recorder/history.ts'
import { type Cell, tsv } from '../../tar/tsv.ts'

const NAMES = Object.keys(FIGURES) as (keyof Figures)[]

/** history.tsv: the host, a row a look; FACTS.md says what the columns mean. */
export function historyTable({ samples }: History): string {
  const rows = samples.map((sample, i) => [
    ...whenOf(sample),
    ...NAMES.map((name) => rounded(figureIn(sample, samples[i - 1], name))),
    sample.disk,
  ])
  return tsv(['time', 'uptime', ...NAMES, 'busiest_disk'], rows)
}

/** history-top.tsv: who stood out at each look, and whom the kernel has killed. */
export function topTable({ samples, kills }: History): string {
  const seen = samples.flatMap((sample) =>
    sample.top.map(({ who, memory, grown, cpu, threads, fds }) => ({
      at: sample.at,
      cells: [
        ...whenOf(sample),
        ...whoOf(who.pid === undefined ? 'service' : 'process', who),
        ...[memory * KIB, grown * KIB, rounded(cpu), threads, fds],
      ],
    })),
  )
  const killed = kills.map((kill) => ({ at: kill.at, cells: [...whenOf(kill), ...whoOf('killed', kill.who)] }))
  const rows = [...seen, ...killed].sort((a, b) => a.at - b.at).map(({ cells }) => padded(cells))
  return tsv(COLUMNS, rows)
}

/** A figure as a row tells it; NaN where it cannot be told, as of what is counted in the first row. */
export function figureIn(sample: Sample, before: Sample | undefined, name: keyof Figures): number {
  const told: Told = FIGURES[name]
  const now = sample.figures[name]
  if (told === 'is') return now
  const more = now - (before?.figures[name] ?? NaN)
  const seconds = (sample.at - (before?.at ?? NaN)) / 1000
  // What has begun to count anew (an interface that is gone, counters of a driver) is not known.
  if (more < 0) return Number.NaN
  return told === 'events' ? more : told === 'rate' ? more / seconds : more / (seconds * US_IN_PERCENT)
}

/** Of a second, in µs. */
const US_IN_PERCENT = 10_000
const KIB = 1024
const COLUMNS = ['time', 'uptime', 'kind', 'unit', 'comm', 'pid', 'memory', 'grown', 'cpu_percent', 'threads', 'fds']

const whenOf = ({ at, wall }: Pick<Sample, 'at' | 'wall'>): Cell[] => [isoSecond(wall), (at / 1000).toFixed(1)]
const whoOf = (kind: string, { unit, comm, pid }: Who): Cell[] => [kind, unit, comm, pid]
const padded = (cells: readonly Cell[]): readonly Cell[] => COLUMNS.map((_, i) => cells[i])
/** To a tenth, where that is no noise. */
const rounded = (value: number) => Math.round(value * (value < 1000 ? 10 : 1)) / (value < 1000 ? 10 : 1)
