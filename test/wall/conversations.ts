import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The kinds of PROTOCOL.md. */
const KINDS: Readonly<Record<string, number>> = { request: 1, stop: 2, item: 16, data: 17, end: 18, fail: 19 }

/** One message of a conversation, as its bytes. */
export interface Said {
  readonly by: 'daemon' | 'collector'
  readonly bytes: Buffer
}

/** The golden conversations by their names. Messages are made here, without the code that they judge. */
export function conversations(): ReadonlyMap<string, readonly Said[]> {
  const text = readFileSync(join(import.meta.dirname, 'golden/conversations.txt'), 'utf8')
  const all = text.split('\n\n').slice(1)
  return new Map(
    all.map((one) => {
      const [name = '', ...lines] = one.trim().split('\n')
      return [name, lines.map(said)]
    }),
  )
}

function said(line: string): Said {
  const [, by, kind = '', payload = ''] = /^([<>]) (\w+) ?(.*)$/.exec(line) ?? []
  return { by: by === '>' ? 'daemon' : 'collector', bytes: encoded(KINDS[kind] ?? Number.NaN, Buffer.from(payload)) }
}

/** A message of this kind. */
export function encoded(kind: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32LE(payload.length)
  head[4] = kind
  return Buffer.concat([head, payload])
}

/** What was said, as text that can be compared. */
export const shown = (bytes: Buffer): string => `${nameOf(bytes[4])} ${bytes.toString('utf8', 5)}`

const nameOf = (kind: number | undefined) => Object.entries(KINDS).find(([, number]) => number === kind)?.[0]

/** A stream's whole messages, one by one. */
export async function* split(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let heard = Buffer.alloc(0)
  for await (const piece of stream) {
    heard = Buffer.concat([heard, piece])
    for (let end = endOf(heard); end <= heard.length; end = endOf(heard)) {
      yield heard.subarray(0, end)
      heard = heard.subarray(end)
    }
  }
}

const endOf = (bytes: Buffer) => (bytes.length < 5 ? Number.POSITIVE_INFINITY : 5 + bytes.readUInt32LE(0))
