import { cannot } from '../../../words/cannot.ts'
import type { ItemIdentity } from '../../../words/evidence.ts'
import type { Found } from '../source.ts'
import { type Arrival, KEPT_MS } from './intake.ts'
import { shrinking } from './item.ts'
import { type BegunPipe, readPipe } from './read-pipe.ts'

/** A crash of this very moment: as much as the newest of a service. */
const VALUE = 500

/**
 * A core that the kernel is writing to us, as an item that comes up. Its process waits for it, but no longer than KEPT_MS until it is begun: then it
 * is let go. What is zeros in it, memory that was asked for and never touched, counts as holes.
 */
export function handedCore(
  arrival: Arrival,
  begun: BegunPipe,
  { name, bootId }: { readonly name: string; readonly bootId: string | undefined },
): Found {
  const { pipe } = begun
  const { bytes: resident, reserved, ...who } = arrival.process
  const bytes = Math.max(resident, reserved)
  const identity = { ...identityOf(arrival, bootId), details: { source: 'cores', handed: true } as const }
  let isThere = true
  const givenUp = setTimeout(() => {
    isThere = false
    pipe[Symbol.dispose]()
  }, KEPT_MS)
  givenUp.unref()
  return {
    ...{ id: `handed over ${who.pid} ${arrival.at}`, source: 'cores', name, class: 'memory', phase: 'stored' },
    ...{ encoding: 'frames', bytes, holes: bytes - resident, ratio: shrinking(resident, bytes), value: VALUE },
    identity,
    async open(limit, signal) {
      clearTimeout(givenUp)
      if (!isThere) throw cannot(`take the core of ${who.comm}[${who.pid}]`, 'its process waits for it no longer')
      isThere = false
      const reading = readPipe(begun, limit, signal)
      return {
        ...reading,
        outcome() {
          const { identity: seen, ...outcome } = reading.outcome()
          const inside = seen?.details?.source === 'cores' ? seen.details : {}
          return { ...outcome, identity: { ...seen, ...identity, details: { ...inside, ...identity.details } } }
        },
      }
    },
  }
}

/** Who crashed, and of what. */
export function identityOf({ process, signal, at }: Arrival, bootId: string | undefined): ItemIdentity {
  const { bytes: _, reserved: __, ...who } = process
  return { ...who, signal, at, ...(bootId !== undefined && { bootId }) }
}
