import type { ClientRequest } from 'node:http'
import { TLSSocket } from 'node:tls'

/**
 * Ends a request with all that the kernel still holds of it (TCP's RST). Merely closed, the megabytes in its buffers would go
 * on occupying a slow link, and what is to be stored instead would share it with them. Node can do that to no socket of
 * TLS: one is closed, and what the kernel has taken is sent.
 */
export function drop(request: ClientRequest): void {
  const { socket } = request
  // There is none before a connection, whatever its type says.
  if (!(socket instanceof TLSSocket)) socket?.resetAndDestroy()
  request.destroy()
}
