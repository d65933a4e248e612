import { countOf } from '../../../words/count-of.ts'
import { type FactsDetails, LISTED } from '../../../words/details.ts'
import { isoSecond } from '../../../words/instant.ts'
import { printable } from '../../../words/printable.ts'
import { formatBytes } from '../../../words/units.ts'
import { type Grower, growers, LAST_MS, lastOf } from '../../recorder/growers.ts'
import type { Figures, History, Sample, Who } from '../../recorder/history.ts'
import { figureIn } from './history-tables.ts'

/** Minutes before the end of which the summary tells. */
const MINUTES = [10, 5, 2, 1, 0]
/** Lines of each kind. */
const TOLD = 5
/** ms by which the host's clock may go apart from the one that nobody sets, between two looks: time is set by steps of more. */
const STEP_MS = 2_000
const KIB = 1024

/** What the summary says of the ten minutes before. */
export function historyTold(history: History): readonly string[] {
  const { samples, kills } = history
  const recent = lastOf(samples)
  return [
    '',
    `The ten minutes before (history.tsv has ${countOf(samples.length, 'look')} since ${isoSecond(samples[0]?.wall) ?? '?'})`,
    ...[...new Set(MINUTES.map((minutes) => nearest(recent, minutes)))].map((sample) => lookTold(sample, samples)),
    ...few(growers(history).map(growerTold)),
    ...few(kills.map((kill) => `  killed for want of memory: ${whoTold(kill.who)}, ${isoSecond(kill.wall) ?? '?'}`)),
    ...few(stepsTold(samples)),
  ]
}

/** Of what is available, in percent: who grew by less is not told to whoever reads the bundle's cover. */
const SHARE = 5

/** The same for the receipt, as data. */
export function historyDetails(history: History): Pick<FactsDetails, 'recorded' | 'available' | 'grew'> {
  const { samples } = history
  const recent = lastOf(samples)
  const available = recent.map(({ figures }) => figures.available).filter(Number.isFinite)
  const [from] = available
  const grew = growers(history)
    .filter(({ grown }) => grown * KIB >= (SHARE / 100) * (from ?? 0))
    .slice(0, LISTED)
    .map(({ who, grown, memory, killed }) => ({ ...who, grown: grown * KIB, memory: memory * KIB, killed }))
  return {
    recorded: Math.round((samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0)),
    ...(from !== undefined && { available: { from, least: Math.min(...available) } }),
    ...(grew.length > 0 && { grew }),
  }
}

function lookTold(sample: Sample, samples: readonly Sample[]): string {
  const before = samples[samples.indexOf(sample) - 1]
  const figure = (name: keyof Figures) => figureIn(sample, before, name)
  const percent = (name: keyof Figures) => (Number.isNaN(figure(name)) ? '-' : figure(name).toFixed(1))
  const minutes = ((samples.at(-1)?.at ?? sample.at) - sample.at) / 60_000
  const busy = figure('cpu_user') + figure('cpu_system')
  return [
    `  ${minutes.toFixed(0).padStart(2)} min before the last look: ${sizeTold(figure('available'))} available`,
    `${sizeTold(figure('swap_used'))} of swap used`,
    `cpu ${Number.isNaN(busy) ? '-' : busy.toFixed(0)} % of one`,
    `stalled: cpu ${percent('cpu_some')}, memory ${percent('memory_some')}/${percent('memory_full')}, io ${percent('io_some')}/${percent('io_full')} %`,
  ].join(', ')
}

/** The sample that is so many minutes old, as nearly as there is one. */
function nearest(samples: readonly Sample[], minutes: number): Sample {
  const wanted = (samples.at(-1)?.at ?? 0) - (minutes * LAST_MS) / 10
  return samples.reduce((best, one) => (Math.abs(one.at - wanted) < Math.abs(best.at - wanted) ? one : best))
}

function growerTold({ who, grown, memory, wall, killed }: Grower): string {
  const [by, to] = [grown, memory].map((kib) => formatBytes(kib * KIB))
  return `  grew by ${by} to ${to}: ${whoTold(who)}, ${killed ? 'killed after' : 'at'} ${isoSecond(wall) ?? '?'}`
}

function whoTold({ comm, pid, unit }: Who): string {
  if (pid === undefined && comm === undefined) return printable(unit ?? '?')
  return printable(`${comm ?? '?'} (${pid ?? '?'})${unit === undefined ? '' : ` of ${unit}`}`)
}

function stepsTold(samples: readonly Sample[]): readonly string[] {
  return samples.flatMap((sample, i) => {
    const before = samples[i - 1]
    const step = before === undefined ? 0 : sample.wall - before.wall - (sample.at - before.at)
    if (Math.abs(step) < STEP_MS) return []
    return [
      `  the clock was set ${step > 0 ? 'forward' : 'back'} by ${Math.abs(step / 1000).toFixed(0)} s, before ${isoSecond(sample.wall) ?? '?'}`,
    ]
  })
}

const sizeTold = (bytes: number) => (Number.isNaN(bytes) ? '?' : formatBytes(bytes))
const few = (lines: readonly string[]) =>
  lines.length <= TOLD ? lines : [...lines.slice(0, TOLD), `  and ${lines.length - TOLD} more`]
