import type { Death, Witness } from './death.ts'

/** What several witnesses tell of one death. */
export interface Told extends Omit<Death, 'witness'> {
  readonly witnesses: readonly Witness[]
}

/** In this order they are heard: what one has told, the next one adds to. */
const ORDER: readonly Witness[] = ['coredump', 'dumping', 'core', 'kernel', 'systemd']

/** ms: ids of processes come again, but not within an hour in one boot (32,768 of them at least). */
const SAME_PID_MS = 3_600_000
/** ms: the kernel's message, and the second in which systemd-coredump has it. */
const SAME_MOMENT_MS = 3_000
/** ms: systemd sees the end of a process when its core has been written; where only the time tells whose end it is, much later is another's. */
const DUMPING_MS = 600_000
const SOON_MS = 30_000
/** ms: what may lie between the clocks of the journal and of the kernel's log. */
const CLOCKS_MS = 5_000

/** One death for all that tell of it. What the cgroups have counted is none that could be told apart. */
export function oneForEach(deaths: readonly Death[]): readonly Told[] {
  const all: Told[] = []
  for (const witness of ORDER) {
    // Those that a witness tells of are so many deaths: two of its own are never one.
    const known = all.length
    let left = deaths.filter((death) => death.witness === witness)
    for (const match of [sameProcess, sameEnd]) {
      left = left.filter((death) => {
        const index = nearest(all.slice(0, known), death, match)
        if (index !== undefined) all[index] = both(all[index] as Told, death)
        return index === undefined
      })
    }
    all.push(...left.map(({ witness: by, ...told }) => ({ ...told, witnesses: [by] })))
  }
  return all
}

/** Of those that match and have not been told by this witness yet, the nearest in time. */
function nearest(all: readonly Told[], death: Death, match: (told: Told, death: Death) => boolean): number | undefined {
  const distance = (told: Told) => Math.abs((told.at ?? 0) - (death.at ?? 0))
  return [...all.entries()]
    .filter(([, told]) => !told.witnesses.includes(death.witness) && isPossible(told, death) && match(told, death))
    .sort(([, a], [, b]) => distance(a) - distance(b))[0]?.[0]
}

function isPossible(told: Told, death: Death): boolean {
  const boots = told.boot === death.boot || told.boot === 'unknown' || death.boot === 'unknown'
  return told.kind === death.kind && boots && agree(told.signal, death.signal)
}

/** By the id of the process, or of the thread that the kernel names. */
function sameProcess(told: Told, death: Death): boolean {
  const ids = (one: Pick<Death, 'subject' | 'tid'>) => [one.subject.pid, one.tid].filter((id) => id !== undefined)
  const isSame = ids(told).some((id) => ids(death).includes(id))
  return isSame && (told.at === undefined || death.at === undefined || Math.abs(told.at - death.at) <= SAME_PID_MS)
}

/** By what ended and when, where one of the two does not know which process it was. */
function sameEnd(told: Told, death: Death): boolean {
  if (told.subject.pid !== undefined && death.subject.pid !== undefined) return false
  if (told.at === undefined || death.at === undefined) return false
  const later = death.at - told.at
  if (death.witness === 'kernel') return Math.abs(later) <= SAME_MOMENT_MS
  if (death.witness !== 'systemd' || !agree(told.subject.unit, death.subject.unit)) return false
  const isUnit = told.subject.unit !== undefined
  return later >= -CLOCKS_MS && later <= (isUnit ? DUMPING_MS : SOON_MS)
}

const agree = (a: number | string | undefined, b: number | string | undefined) =>
  a === undefined || b === undefined || a === b

/** What was told first counts; but a user's word never against the host's. */
function both(told: Told, { witness, ...death }: Death): Told {
  const [first, second] = told.claimed && !death.claimed ? [death, told] : [told, death]
  const isUsers = second.claimed === true && first.claimed !== true
  const { claimed: _, ...rest } = { ...second, ...first }
  return {
    ...rest,
    boot: first.boot === 'unknown' ? second.boot : first.boot,
    ...(first.claimed === true && { claimed: true }),
    subject: isUsers ? first.subject : { ...second.subject, ...first.subject },
    evidence: [...first.evidence, ...second.evidence.filter((place) => !first.evidence.includes(place))],
    witnesses: [...told.witnesses, witness],
  }
}
