import type { Lease } from '../streams/lease.ts'
import type { Taken } from './answers.ts'
import { type Address, ask, believed, broken, Stop } from './ask.ts'
import type { Taking } from './collector.ts'
import { readTaken } from './read-answers.ts'
import type { RequestTo } from './requests.ts'

/** Takes an item of a session: asked for once `stored` is read. */
export function take(at: Address, request: RequestTo<'take'>, signal: AbortSignal): Taking {
  const { promise: taken, resolve, reject } = Promise.withResolvers<Taken>()
  taken.catch(() => {})
  const stop = new Stop()
  async function* stored(): AsyncGenerator<Lease, void, void> {
    try {
      for await (const answer of ask(at, request, signal, stop)) {
        if (answer.kind === 'data') yield answer.piece
        else if (answer.kind === 'end') return resolve(believed(readTaken, answer.json))
        else throw broken(`"${answer.kind}" is no answer to "take"`)
      }
      throw broken('it hung up before the end')
    } catch (error) {
      reject(error)
      throw error
    } finally {
      reject(broken('nobody read to the end'))
    }
  }
  return { stored: stored(), taken, stop: stop.stop }
}
