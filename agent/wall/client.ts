import type { Finding } from '../bundle/schema.ts'
import type { DescriptorReserve } from '../streams/reserve.ts'
import { type Address, ask, askOnce, believed, broken } from './ask.ts'
import type { Collector, Session } from './collector.ts'
import { openSession, watch } from './listing.ts'
import { readAttended, readHealth, readStopping, readWhy } from './read-answers.ts'
import { readFinding, unreadableFinding } from './read-finding.ts'
import { take } from './take.ts'

/** A collector that listens at `path`. Where no descriptor is left, connections are made by those of the `reserve`. */
export function collectorAt(path: string, reserve?: DescriptorReserve): Collector {
  const at: Address = { path, ...(reserve && { reserve }) }
  return {
    open: async (occasion, within, signal) => {
      const { session, ...told } = await openSession(at, occasion, within, signal)
      return sessionAt(at, session, told)
    },
    release: async (signal) => void (await askOnce(at, { do: 'release' }, signal)),
    attend: async (hear, signal) => {
      for await (const answer of ask(at, { do: 'attend' }, signal)) {
        if (answer.kind !== 'item') throw broken(`"${answer.kind}" is no answer to "attend"`)
        hear(believed(readAttended, answer.json))
      }
      throw broken('it hung up')
    },
    why: async (signal) => readWhy(await askOnce(at, { do: 'why' }, signal)),
    stopping: async (signal) => believed(readStopping, await askOnce(at, { do: 'stopping' }, signal)),
    reload: async (signal) => void (await askOnce(at, { do: 'reload' }, signal)),
    health: async (signal) => believed(readHealth, await askOnce(at, { do: 'health' }, signal)),
  }
}

function sessionAt(at: Address, session: string, told: Pick<Session, 'listing' | 'before'>): Session {
  return {
    ...told,
    take: (id, limit, signal) => take(at, { do: 'take', session, id, limit }, signal),
    watch: (signal) => watch(at, session, signal),
    findings: (within, signal) => findings(at, session, within, signal),
  }
}

/** What a collector says of deaths is told one by one up to a limit of its own: findings/findings.ts. */
const MOST_FINDINGS = 256

async function findings(
  at: Address,
  session: string,
  within: number,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const all: Finding[] = []
  for await (const answer of ask(at, { do: 'findings', session, within }, signal)) {
    if (answer.kind === 'end') return all
    if (answer.kind !== 'item') throw broken(`"${answer.kind}" is no answer to "findings"`)
    if (all.length >= MOST_FINDINGS) throw broken(`it tells of more than ${MOST_FINDINGS} findings`)
    all.push(oneOf(answer.json.finding))
  }
  throw broken('it hung up within its findings')
}

/** One that cannot be read costs itself: it is not known what it says. */
function oneOf(finding: unknown): Finding {
  try {
    return readFinding(finding)
  } catch (error) {
    return unreadableFinding(error)
  }
}
