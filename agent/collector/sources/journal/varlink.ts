import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { abandonable } from '../../../deadline.ts'

/** journald's answers are a few dozen bytes; more than this is no answer of journald's. */
const REPLY_BYTES = 64 * 1024

/**
 * Calls methods without parameters, one after the other, on one varlink connection (https://varlink.org/Method-Call: JSON
 * objects that end with NUL). Gives per method the error's name, undefined where it went well. Throws where nothing answers.
 */
export async function callVarlink(
  path: string,
  methods: readonly string[],
  signal: AbortSignal,
): Promise<readonly (string | undefined)[]> {
  const socket = connect({ path })
  try {
    socket.on('error', () => {})
    await once(socket, 'connect', { signal })
    const answers = replies(socket)
    const errors: (string | undefined)[] = []
    for (const method of methods) {
      socket.write(`${JSON.stringify({ method })}\0`)
      const reply = await abandonable(answers.next(), signal)
      if (reply.done === true) throw new Error('the connection was closed before the answer')
      errors.push(reply.value)
    }
    return errors
  } finally {
    socket.destroy()
  }
}

async function* replies(socket: Socket): AsyncGenerator<string | undefined, void, void> {
  let pending = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    pending = Buffer.concat([pending, chunk])
    for (let end = pending.indexOf(0); end >= 0; end = pending.indexOf(0)) {
      const reply: unknown = JSON.parse(pending.toString('utf8', 0, end))
      pending = pending.subarray(end + 1)
      yield typeof reply === 'object' && reply !== null && 'error' in reply ? String(reply.error) : undefined
    }
    if (pending.length > REPLY_BYTES) throw new Error(`the answer is longer than ${REPLY_BYTES} bytes`)
  }
}
