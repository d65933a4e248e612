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

/**
 * One death for all that tell of it. What the cgroups have counted is none that could be told apart. Of ten thousand cores each is compared
 * only with what has its id, or none.
 */
export function oneForEach(deaths: readonly Death[]): readonly Told[] {
  const all: Told[] = []
  for (const witness of ORDER) {
    // Those that a witness tells of are so many deaths: two of its own are never one.
    const known = [...all.entries()].map(([index, told]) => ({ index, ids: idsOf(told) }))
    const byId = Map.groupBy(
      known.flatMap(({ index, ids }) => ids.map((id) => ({ index, id }))),
      ({ id }) => id,
    )
    const nameless = known.filter(({ index }) => all[index]?.subject.pid === undefined)
    const told = deaths.filter((death) => death.witness === witness)
    const others = unjoined(all, told, (death) => idsOf(death).flatMap((id) => byId.get(id) ?? []), sameProcess)
    const left = unjoined(all, others, ({ subject }) => (subject.pid === undefined ? known : nameless), sameEnd)
    all.push(...left.map(({ witness: by, ...told }) => ({ ...told, witnesses: [by] })))
  }
  return all
}

type Match = (told: Told, death: Death) => boolean

/**
 * Joins what one witness tells to what was told before, and gives what is left. Those that are nearest in time are joined first: of
 * three deaths within seconds, the first must not be taken for the second because it is asked about first.
 */
function unjoined(
  all: Told[],
  deaths: readonly Death[],
  among: (death: Death) => readonly { readonly index: number }[],
  match: Match,
): readonly Death[] {
  const fits = (index: number, death: Death) => {
    const told = all[index] as Told
    return !told.witnesses.includes(death.witness) && isPossible(told, death) && match(told, death)
  }
  const pairs = deaths.flatMap((death) =>
    among(death)
      .filter(({ index }) => fits(index, death))
      .map(({ index }) => ({ index, death, apart: apart(all[index] as Told, death) })),
  )
  const joined = new Set<Death>()
  for (const { index, death } of pairs.toSorted((a, b) => a.apart - b.apart)) {
    if (joined.has(death) || !fits(index, death)) continue
    all[index] = both(all[index] as Told, death)
    joined.add(death)
  }
  return deaths.filter((death) => !joined.has(death))
}

/** ms. systemd-coredump tells the second in which it was (%t of core(5)): all of that is no distance. */
function apart(told: Told, death: Death): number {
  const at = told.at ?? 0
  const since = (death.at ?? 0) - at
  const second = at % 1000 === 0 ? 1000 : 0
  return since < 0 ? -since : Math.max(0, since - second)
}

const idsOf = ({ subject, tid }: Pick<Death, 'subject' | 'tid'>): readonly number[] =>
  [subject.pid, tid].filter((id) => id !== undefined)

function isPossible(told: Told, death: Death): boolean {
  const boots = told.boot === death.boot || told.boot === 'unknown' || death.boot === 'unknown'
  return told.kind === death.kind && boots && agree(told.signal, death.signal)
}

/** By the id of the process, or of the thread that the kernel names: those are compared that share one. */
function sameProcess(told: Told, death: Death): boolean {
  return told.at === undefined || death.at === undefined || Math.abs(told.at - death.at) <= SAME_PID_MS
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
