import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'

/** What Node has below a socket of TLS; not documented, so it may be missing. */
interface Below {
  readonly _handle?: { readonly _parent?: { readonly reset?: (done: () => void) => number } }
}

/**
 * Ends a request with all that the kernel still holds of it (TCP's RST). Merely closed, the megabytes in its buffers would go
 * on occupying a slow link, and what is to be stored instead would wait behind them.
 */
export function drop(request: ClientRequest): void {
  if (request.socket) reset(request.socket)
  request.destroy()
}

function reset(socket: Socket): void {
  if (socket.destroyed) return
  try {
    const below = (socket as Below)._handle?._parent
    if (below?.reset === undefined) socket.resetAndDestroy()
    else below.reset(() => {})
  } catch {
    // No TCP of ours (ERR_INVALID_HANDLE_TYPE): it is closed as it can be.
  }
}
