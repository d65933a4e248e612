import { createConnection, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** How often a socket is tried that a starting program has not made yet. */
const RETRY_MS = 50

/** Connects to a unix socket as soon as somebody listens on it. */
export async function connect(path: string, signal: AbortSignal): Promise<Socket> {
  for (;;) {
    const socket = createConnection({ path })
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    if (connected) return socket
    await sleep(RETRY_MS, undefined, { signal })
  }
}

/** Calls `each` with every whole line that arrives. */
export function onLine(socket: Socket, each: (line: string) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) each(line)
  })
}
