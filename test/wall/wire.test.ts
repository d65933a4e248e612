import t from 'tap'
import { type Lease, leased } from '../../agent/streams/lease.ts'
import { dataHeader, JSON_LIMIT, type Message, message, messages } from '../../agent/wall/wire.ts'
import { seeded } from '../random.ts'
import { lent, taken } from '../streams/poisoned.ts'

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** What comes out, with data pieces joined: their borders mean nothing. */
async function read(bytes: Buffer, size: number, from: 'daemon' | 'collector' = 'collector') {
  const out: (Message | { kind: 'data'; text: string })[] = []
  for await (const got of messages(lent(pieces(bytes, size)), from)) {
    const last = out.at(-1)
    if (got.kind !== 'data') out.push(got)
    else if (last?.kind === 'data' && 'text' in last) last.text += taken(got.piece).toString('latin1')
    else out.push({ kind: 'data', text: taken(got.piece).toString('latin1') })
  }
  return out
}

const conversation = Buffer.concat([
  message('item', { item: { id: 'facts:1', name: 'ü' } }),
  dataHeader(5),
  Buffer.from('hello'),
  dataHeader(0),
  dataHeader(6),
  Buffer.from(' world'),
  message('end', {}),
])

t.test('messages come out as they went in, however the stream is cut', async (t) => {
  for (const size of [1, 2, 3, 5, 7, 1000])
    t.strictSame(await read(conversation, size), [
      { kind: 'item', json: { item: { id: 'facts:1', name: 'ü' } } },
      { kind: 'data', text: 'hello world' },
      { kind: 'end', json: {} },
    ])
  t.strictSame(await read(Buffer.concat([message('request', { v: 1 }), message('stop')]), 4, 'daemon'), [
    { kind: 'request', json: { v: 1 } },
    { kind: 'stop' },
  ])
})

t.test('what arrives goes back when all that lies in it has come back', async (t) => {
  let released = 0
  async function* stream(): AsyncGenerator<Lease, void, void> {
    yield leased(Buffer.concat([dataHeader(1), Buffer.from('a'), dataHeader(1), Buffer.from('b')]), () => released++)
    yield leased(message('end', {}), () => released++)
  }
  const kept: Lease[] = []
  for await (const got of messages(stream(), 'collector')) {
    if (got.kind !== 'data') continue
    t.equal(released, 0)
    kept.push(got.piece)
  }
  t.equal(released, 1, 'that in which nothing lies')
  kept[0]?.release()
  kept[0]?.release()
  t.equal(released, 1)
  kept[1]?.release()
  t.equal(released, 2)
})

t.test('what breaks the protocol is an error that says what', async (t) => {
  const header = (length: number, kind: number) => {
    const bytes = Buffer.alloc(5)
    bytes.writeUInt32LE(length)
    bytes[4] = kind
    return bytes
  }
  await t.rejects(read(message('request', {}), 9), /kind 1 is unknown, or not for this side/)
  await t.rejects(read(message('end', {}), 9, 'daemon'), /kind 18/)
  await t.rejects(read(header(0, 99), 9), /kind 99/)
  await t.rejects(read(header(JSON_LIMIT + 1, 16), 9), /more than 65536/)
  await t.rejects(read(header(0xffffffff, 17), 9), /more than 8388608/)
  await t.rejects(read(Buffer.concat([header(1, 2), Buffer.from('x')]), 9, 'daemon'), /more than 0/)
  await t.rejects(read(Buffer.concat([header(2, 18), Buffer.from('[]')]), 9), /no JSON object/)
  await t.rejects(read(Buffer.concat([header(1, 18), Buffer.from('{')]), 9), /cannot read "end" from the wall/)
  await t.rejects(read(conversation.subarray(0, -1), 9), /ended within a message/)
  await t.rejects(read(conversation.subarray(0, 3), 9), /ended within a message/)
  t.throws(() => message('item', { big: 'x'.repeat(JSON_LIMIT) }), /cannot send "item" over the wall/)
})

t.test('noise never gives anything but messages or an error, and is never held', async (t) => {
  const random = seeded(20261121)
  let refused = 0
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(conversation)
    for (let hit = 0; hit <= random() * 4; hit++)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    try {
      for await (const got of messages(lent(pieces(bytes, 1 + Math.floor(random() * 40))), 'collector'))
        if (got.kind === 'request' || got.kind === 'stop') t.fail('a kind of the other side came through')
    } catch (error) {
      refused += 1
      if (!(error instanceof Error) || !/^cannot /.test(error.message)) t.fail(`an odd error: ${error}`)
    }
  }
  t.ok(refused > 1000, `${refused} of 3000 were refused`)
})
