import { CollectorError } from '../../agent/wall/collector.ts'
import { aborted } from '../../agent/words/deadline.ts'
import { CLASS_OF, type Phase, type SourceName } from '../../agent/words/evidence.ts'
import { type Scripted, type ScriptedCollector, scripted } from '../capture/scripted-collector.ts'
import { type Content, pieces } from './contents.ts'
import { type Draw, drawOf } from './draw.ts'

/** What an item does when it is read, in its middle or before its first byte; `times`: that often, and then it is whole. */
export type Conduct =
  | { readonly is: 'whole' | 'empty' }
  /** It gives no more; of `deaf` ones not even when they are told to end. */
  | { readonly is: 'hangs' | 'deaf'; readonly after: number; readonly times: number }
  /** The host says no. */
  | { readonly is: 'fails'; readonly after: number; readonly times: number }
  /** The collector does, before the first byte or in the middle. */
  | { readonly is: 'refused'; readonly after: number; readonly times: number }
  /** It takes so many ms over each piece. */
  | { readonly is: 'slow'; readonly ms: number }
  /** It is longer than was listed. */
  | { readonly is: 'grows'; readonly times: number }

/** An item as it is, for what is looked at afterwards. */
export interface Drawn extends Scripted {
  readonly conduct: Conduct
  readonly holds: Content
}

const CONDUCT = [
  ...(['whole', 'whole', 'whole', 'whole', 'whole', 'whole', 'whole', 'whole', 'hangs', 'deaf', 'fails'] as const),
  ...(['refused', 'slow', 'grows', 'empty'] as const),
]

const PLACES: readonly (readonly [SourceName, Phase])[] = [
  ['stacks', 'live'],
  ['live', 'live'],
  ['memory', 'live'],
  ...Array.from({ length: 4 }, () => ['cores', 'stored'] as const),
  ['journal', 'stored'],
  ['files', 'stored'],
]

/** One item of the host that a seed draws. `large` ones come in parts. */
export function itemOf(collector: ScriptedCollector, seed: number, name: string, isLarge: boolean): Drawn {
  const draw = drawOf(seed, 'item', name)
  const [source, phase] = name === 'facts' ? (['facts', 'facts'] as const) : draw.one(PLACES)
  const listed = Math.round(
    isLarge && draw.chance(0.5) ? draw.between(4, 40) * 1024 * 1024 : draw.magnitude(1, 300_000),
  )
  const conduct = conductOf(draw, listed)
  const grown = conduct.is === 'grows' ? listed * conduct.times : listed
  const holds = { seed: Math.floor(draw.between(0, 1_000_000)), bytes: conduct.is === 'empty' ? 0 : Math.round(grown) }
  const over = {
    ...{ source, phase, class: CLASS_OF[source], bytes: listed, value: name === 'facts' ? 1000 : draw.between(1, 500) },
    ...{ sealed: draw.chance(0.3), identity: { pid: 1 } },
    ...(draw.chance(0.1) && { closed: 'there is no key to seal it to, and seal.unsealed is "refuse"' }),
    ...(['live', 'memory'].includes(source) && draw.chance(0.5) && { when: 'trouble' as const }),
    ...(source === 'cores' && {
      mark: drawOf(seed, 'mark', name).number().toString(16).slice(2).padEnd(16, '0').slice(0, 16),
    }),
    ...(draw.chance(0.1) && { patience: draw.magnitude(1_000, 100_000) }),
  }
  return { ...scripted(name, contentOf(collector, name, conduct, holds), over), conduct, holds }
}

function conductOf(draw: Draw, bytes: number): Conduct {
  const is = draw.one(CONDUCT)
  const after = draw.chance(0.4) ? 0 : Math.floor(draw.between(0, bytes))
  const times = draw.chance(0.5) ? Number.POSITIVE_INFINITY : 1
  switch (is) {
    case 'whole':
    case 'empty':
      return { is }
    case 'slow':
      return { is, ms: draw.magnitude(10, 20_000) }
    case 'grows':
      return { is, times: draw.between(1, bytes > 1024 * 1024 ? 2 : 400) }
    default:
      return { is, after, times }
  }
}

function contentOf(collector: ScriptedCollector, id: string, conduct: Conduct, holds: Content): Scripted['content'] {
  return async function* (stop, tries) {
    const isOff = 'after' in conduct && tries <= conduct.times
    let given = 0
    for (const piece of pieces(holds)) {
      if (stop.aborted) throw new Error('it was told to end')
      if (given + piece.length > (collector.limits.get(id) ?? 0)) throw new Error('it is longer than it may be')
      const left = isOff ? conduct.after - given : Number.POSITIVE_INFINITY
      if (left > 0) yield piece.subarray(0, left)
      given += piece.length
      if (isOff && given >= conduct.after) yield* ends(conduct.is, stop)
      if (conduct.is === 'slow') await Promise.race([collector.clock.sleep(conduct.ms), aborted(stop)])
    }
  }
}

/** What it does instead of giving. */
async function* ends(
  how: 'hangs' | 'deaf' | 'fails' | 'refused',
  stop: AbortSignal,
): AsyncGenerator<Buffer, never, void> {
  if (how === 'refused') throw new CollectorError('host', 'the process has gone')
  if (how === 'fails') throw new Error('an I/O error')
  await (how === 'deaf' ? new Promise(() => {}) : aborted(stop))
  throw new Error('it was told to end')
}
