import { type Draw, drawOf } from './draw.ts'

/** What may happen to one request of a store. Fractions of its time say when. */
export type Fault =
  /** The connection is refused, or no name is found: nothing has left. */
  | { readonly is: 'refused' }
  /** The connection is reset before the store has done anything; or after it has, or its answer is lost, or ends in its middle. */
  | { readonly is: 'reset' | 'lost' }
  /** The answer is 500, and the store has done it or not. */
  | { readonly is: '500'; readonly done: boolean }
  | { readonly is: 'slow-down' }
  /** 409: another request for the key is under way. */
  | { readonly is: 'conflict' }
  /** The credentials are refused: by the policy, or because they have expired. */
  | { readonly is: 'forbidden' | 'expired' }
  /** They could not be had just now. */
  | { readonly is: 'no-credentials' }
  /** The clock of this host is wrong, says the store once. */
  | { readonly is: 'skewed' }
  /** The bucket is full, or gone. */
  | { readonly is: 'permanent' }
  /** Somebody else has the key. */
  | { readonly is: 'taken' }
  /** Nothing moves for so many ms, and then it goes on. */
  | { readonly is: 'stall'; readonly ms: number }
  /** Bytes a second. */
  | { readonly is: 'slow'; readonly rate: number }
  /** Nothing is ever answered. `done` ms later the store has done it, if at all. `noticed`: the silence ends the request after so many ms. */
  | { readonly is: 'silence'; readonly done?: number; readonly noticed?: number }

export type Verb = 'put' | 'begin' | 'part' | 'complete'

/** A time in which some of the requests meet a fault. */
export interface Spell {
  /** On the clock, ms. */
  readonly from: number
  readonly to: number
  readonly share: number
  readonly fault: Fault
  readonly meets: (verb: Verb, key: string) => boolean
  /** For whoever reads what a seed stands for. */
  readonly whom: string
}

/** What a store and the way to it are like in one run. */
export interface Weather {
  /** ms of a request, and bytes per second of each. */
  readonly ms: number
  readonly rate: number
  readonly clockSkew: number | undefined
  /** Ceph's gateway takes parts along whose answer was lost. */
  readonly isCeph: boolean
  readonly spells: readonly Spell[]
}

const WHOM: readonly (readonly [string, Spell['meets']])[] = [
  ['all', () => true],
  ['all', () => true],
  ['the opening', (_, key) => key.endsWith('opening.json') || key.endsWith('.open')],
  ['documents', (verb, key) => verb === 'put' && /\.(json|open)$/.test(key)],
  ['the manifest', (_, key) => key.endsWith('manifest.json')],
  ['the row', (_, key) => key.startsWith('v1/index/') && key.endsWith('.json')],
  ['artifacts', (_, key) => !/\.(json|open)$/.test(key)],
  ['parts', (verb) => verb === 'part'],
  ['what begins and completes uploads', (verb) => verb === 'begin' || verb === 'complete'],
]

/** The weather of a seed: one in eight is fair. */
export function weatherOf(seed: number, deadline: number): Weather {
  const draw = drawOf(seed, 'weather')
  const spells = draw.chance(1 / 8) ? 0 : 1 + Math.floor(draw.number() * 4)
  return {
    ms: draw.magnitude(1, 300),
    rate: draw.magnitude(200_000, 1_000_000_000),
    clockSkew: draw.one([undefined, 0, 3_000, -86_400_000]),
    isCeph: draw.chance(1 / 2),
    spells: Array.from({ length: spells }, (_, n) => spellOf(drawOf(seed, 'spell', n), deadline)),
  }
}

function spellOf(draw: Draw, deadline: number): Spell {
  const [whom, meets] = draw.one(WHOM)
  const from = draw.chance(0.4) ? 0 : draw.between(0, deadline)
  const to = draw.chance(0.4) ? Number.POSITIVE_INFINITY : from + draw.between(0, deadline)
  const share = draw.one([0.1, 0.5, 1])
  return { from, to, share, fault: faultOf(draw), meets, whom }
}

function faultOf(draw: Draw): Fault {
  const is = draw.one(KINDS)
  switch (is) {
    case '500':
      return { is, done: draw.chance(0.5) }
    case 'stall':
      return { is, ms: draw.magnitude(100, 60_000) }
    case 'slow':
      return { is, rate: draw.one([1, 100, 10_000]) }
    case 'silence':
      return {
        is,
        ...(draw.chance(0.3) && { done: draw.magnitude(10, 100_000) }),
        ...(draw.chance(0.7) && { noticed: 10_000 }),
      }
    default:
      return { is }
  }
}

const KINDS = [
  ...(['refused', 'reset', 'lost', 'lost', '500', 'slow-down', 'conflict', 'forbidden', 'expired', 'skewed'] as const),
  ...(['no-credentials', 'permanent', 'taken', 'stall', 'slow', 'silence', 'silence'] as const),
]
