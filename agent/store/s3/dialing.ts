import type { ClientRequestArgs, Agent as HttpAgent } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { DescriptorReserve } from '../../streams/reserve.ts'

/** What getaddrinfo(3) has open at once: each of its files alone, then a socket to a name server, and one to the next. */
const LOOKUP_DESCRIPTORS = 2

/** Has an agent resolve names and open connections by descriptors of the reserve where there are no others. */
export function dialBy<A extends HttpAgent>(reserve: DescriptorReserve, agent: A): A {
  const dial = agent.createConnection.bind(agent) as (args: ClientRequestArgs, done: Done) => Duplex | null | undefined
  agent.createConnection = (args: ClientRequestArgs, done: Done) => {
    reserve.free(LOOKUP_DESCRIPTORS)
    // None is given where a proxy has to open a tunnel first.
    const socket = dial(args, done) as Socket | undefined
    // The socket comes after the name's addresses, in the same breath: what was freed before was anybody's.
    socket?.on('lookup', () => {
      reserve.refill()
      reserve.free()
    })
    for (const event of ['connect', 'close'] as const) socket?.once(event, () => reserve.refill())
    return socket
  }
  return agent
}

type Done = Parameters<HttpAgent['createConnection']>[1]
