import { connect, type Socket } from 'node:net'
import type { DescriptorReserve } from '../streams/reserve.ts'

/** More than a unix socket holds (net.core.wmem_default, 208 KiB): one read takes all that is there. */
const READ_BYTES = 256 * 1024

/** A connection that reads into the same memory again and again. */
export interface Connection {
  readonly socket: Socket
  /** What arrives. A piece is good until the next one is asked for. Throws where the connection breaks. */
  readonly pieces: AsyncIterable<Buffer>
}

/** Connects to a unix socket, by a descriptor of the reserve where there is no other. The caller destroys it. */
export function connectTo(path: string, reserve?: DescriptorReserve): Connection {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  let piece: Buffer | undefined
  let closed = false
  let failure: Error | undefined
  let wake = () => {}
  const onread = {
    buffer,
    callback(bytes: number): boolean {
      piece = buffer.subarray(0, bytes)
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
    closed = true
    reserve?.refill()
    wake()
  })

  async function* pieces(): AsyncGenerator<Buffer, void, void> {
    while (true) {
      if (piece === undefined && !closed) {
        const arrival = Promise.withResolvers<void>()
        wake = arrival.resolve
        socket.resume()
        await arrival.promise
      }
      if (piece === undefined && failure !== undefined) throw failure
      if (piece === undefined) return
      const arrived = piece
      piece = undefined
      yield arrived
    }
  }
  return { socket, pieces: pieces() }
}
