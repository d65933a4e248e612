import type { Finding } from '../../agent/bundle/schema.ts'
import type { Listing } from '../../agent/wall/answers.ts'
import { type Collector, CollectorError } from '../../agent/wall/collector.ts'
import type { InventoryGap } from '../../agent/words/evidence.ts'
import { gap, ScriptedCollector } from '../capture/scripted-collector.ts'
import type { TestClock } from '../clock.ts'
import { type Draw, drawOf } from './draw.ts'
import { type Drawn, itemOf } from './items.ts'
import { type Death, mortal } from './mortal.ts'

/** The host of a seed, and what it has been asked. */
export interface Host {
  readonly collector: Collector
  /** What was asked of it, and when. */
  readonly scripted: ScriptedCollector
  /** By name: what is listed at once, and what comes up. */
  readonly items: ReadonlyMap<string, Drawn>
  readonly deaths: readonly Death[]
  /** Everything that is amiss besides, by name. */
  readonly troubles: readonly string[]
}

/** What may be amiss with the collector's answers. */
const TROUBLES = [
  'slow list',
  'deaf list',
  'gap',
  'unsaid',
  'release fails',
  'release hangs',
  'why hangs',
  'why fails',
] as const
const MORE_TROUBLES = [
  'stopping hangs',
  'stopping fails',
  'findings hang',
  'findings fail',
  'last look hangs',
  'watch breaks',
] as const

export function hostOf(clock: TestClock, seed: number, deadline: number): Host {
  const draw = drawOf(seed, 'host')
  const scripted = new ScriptedCollector(clock)
  const isLarge = draw.chance(0.25)
  const names = [
    ...(draw.chance(0.95) ? ['facts'] : []),
    ...Array.from({ length: draw.between(0, 7) }, (_, n) => `items/${n}`),
  ]
  const late = Array.from({ length: draw.chance(0.3) ? draw.between(1, 4) : 0 }, (_, n) => `late/${n}`)
  const [listed, coming] = [names, late].map((some) => some.map((name) => itemOf(scripted, seed, name, isLarge))) as [
    Drawn[],
    Drawn[],
  ]
  const troubles = [...TROUBLES, ...MORE_TROUBLES].filter(() => draw.chance(0.05))
  const deaths = draw.chance(0.2) ? [{ at: draw.between(0, deadline), for: draw.magnitude(100, 100_000) }] : []
  arrange(scripted, draw, listed, coming, troubles, deadline)
  const items = new Map([...listed, ...coming].map((item) => [item.name, item]))
  return { collector: mortal(scripted, deaths, clock), scripted, items, deaths, troubles }
}

function arrange(
  collector: ScriptedCollector,
  draw: Draw,
  listed: readonly Drawn[],
  coming: readonly Drawn[],
  troubles: readonly string[],
  deadline: number,
): void {
  const { clock } = collector
  const has = (trouble: string) => troubles.includes(trouble)
  const never = () => new Promise<never>(() => {})
  const fails = () => Promise.reject(new CollectorError('collector', 'it says no'))
  const slow = draw.magnitude(10, 20_000)
  const isPassing = draw.chance(0.5)
  const gaps: InventoryGap[] = has('gap')
    ? [gap('journal'), gap('pstore', { status: 'absent', reason: 'nothing is there' })]
    : []
  const isAmiss = (nth: number) => nth === 1 || !isPassing
  collector.list = async (nth): Promise<Listing> => {
    if (has('slow list')) await clock.sleep(slow)
    if (has('deaf list') && isAmiss(nth)) await never()
    // A later session has what has come up meanwhile, too.
    return { items: [...listed, ...(nth > 1 ? came : [])], gaps }
  }
  const came: Drawn[] = []
  const times = coming.map(() => draw.between(0, deadline * 1.2)).sort((a, b) => a - b)
  const hasLast = draw.chance(0.5)
  const isLast = (n: number) => hasLast && n === coming.length - 1
  collector.up = async function* (asked) {
    let isOver = false
    const over = asked.then(() => {
      isOver = true
    })
    for (const [n, item] of coming.entries()) {
      if (isLast(n) || came.includes(item)) continue
      await Promise.race([clock.sleep((times[n] as number) - clock.now()), over])
      if (isOver) return
      came.push(item)
      yield { items: [item], gaps: [] }
    }
    if (has('watch breaks')) throw new CollectorError('collector', 'it hung up')
  }
  collector.last = async function* () {
    if (has('last look hangs')) await never()
    const rest = coming.filter((item, n) => isLast(n) && !came.includes(item))
    came.push(...rest)
    yield { items: rest, gaps: [] }
  }
  let released = 0
  collector.releasing = async () => {
    if (has('release fails') && isAmiss(++released)) await fails()
    if (has('release hangs') && isAmiss(++released)) await never()
  }
  collector.asksWhy = async () =>
    await (has('why hangs') ? never() : has('why fails') ? fails() : { kind: 'reboot' as const })
  const quiet = draw.between(0, deadline)
  collector.stops = async () => {
    if (has('stopping hangs')) await never()
    if (has('stopping fails')) await fails()
    return { running: clock.now() < quiet ? 1 : 0, held: false }
  }
  const isSick = draw.chance(0.5)
  collector.findings = async () => {
    if (has('findings hang')) await never()
    if (has('findings fail')) await fails()
    return [isSick ? SICK : WELL]
  }
  if (has('unsaid')) for (const { id } of listed) if (draw.chance(0.5)) collector.unsaid.add(id)
}

const SICK: Finding = {
  kind: 'crash',
  certainty: 'certain',
  boot: 'this',
  subject: { comm: 'a' },
  evidence: [],
  signal: 11,
  sentence: 'a crashed.',
}
const WELL: Finding = {
  kind: 'healthy',
  certainty: 'certain',
  boot: 'this',
  subject: {},
  evidence: [],
  sentence: 'Nothing had crashed.',
}
