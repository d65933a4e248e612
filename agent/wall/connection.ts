import { connect, type Socket } from 'node:net'
import type { Lease } from '../streams/lease.ts'
import { Pool } from '../streams/pool.ts'
import type { DescriptorReserve } from '../streams/reserve.ts'

/** More than a unix socket holds (net.core.wmem_default, 208 KiB): one read takes all that is there. */
const READ_BYTES = 256 * 1024

/** A connection that reads into the same memory again and again. */
export interface Connection {
  readonly socket: Socket
  /** What arrives; nothing more is read before a piece has come back. Throws where the connection breaks. */
  readonly pieces: AsyncIterable<Lease>
}

/** Connects to a unix socket, by a descriptor of the reserve where there is no other. The caller destroys it. */
export function connectTo(path: string, reserve?: DescriptorReserve): Connection {
  const pool = new Pool(READ_BYTES, 1)
  const first = pool.leaseNow() as Lease
  const closed = new AbortController()
  let arrived = 0
  let failure: Error | undefined
  let wake = () => {}
  const onread = {
    buffer: first.bytes,
    callback(bytes: number): boolean {
      arrived = bytes
      wake()
      return false // nothing more is read before it is asked for
    },
  }
  reserve?.free()
  const socket = connect({ path, onread })
  socket.once('connect', () => reserve?.refill())
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('close', () => {
    reserve?.refill()
    closed.abort()
    wake()
  })

  async function* pieces(): AsyncGenerator<Lease, void, void> {
    for (let memory: Lease | undefined = first; memory !== undefined; memory = await returned()) {
      if (arrived === 0 && !closed.signal.aborted) {
        const arrival = Promise.withResolvers<void>()
        wake = arrival.resolve
        socket.resume()
        await arrival.promise
      }
      if (arrived === 0) break
      const piece = { ...memory, bytes: memory.bytes.subarray(0, arrived) }
      arrived = 0
      yield piece
    }
    if (failure !== undefined) throw failure
  }

  /** The memory once the piece in it has come back; undefined where nothing more can arrive. */
  const returned = () => pool.lease(closed.signal).catch(() => undefined)

  return { socket, pieces: pieces() }
}
