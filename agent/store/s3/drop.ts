import type { ClientRequest } from 'node:http'
import { TLSSocket } from 'node:tls'

/** What Node has below a socket of TLS: the handle of TCP. Not documented, so it may be missing. */
interface Below {
  readonly _handle?: { readonly _parent?: { readonly reset?: (done: () => void) => number } }
}

/**
 * Ends a request with all that the kernel still holds of it (TCP's RST). Merely closed, the megabytes in its buffers would go
 * on occupying a slow link, and what is to be stored instead would wait behind them.
 */
export function drop(request: ClientRequest): void {
  const { socket } = request
  if (!(socket instanceof TLSSocket)) {
    // There is none before a connection, whatever its type says.
    socket?.resetAndDestroy()
    request.destroy()
    return
  }
  const tcp = (socket as Below)._handle?._parent
  // In this order: a socket of TLS does not notice that its connection is gone.
  request.destroy()
  tcp?.reset?.(() => {})
}
