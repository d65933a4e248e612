import t from 'tap'
import { flag, methodCall, texts, variant } from '../../../agent/collector/host/dbus.ts'
import { type Message, Messages } from '../../../agent/collector/host/dbus-messages.ts'
import { seeded } from '../../random.ts'
import { bodyOf, marshalled, type Said, variantOf, yes } from './dbus-words.ts'

const SIGNAL: Said = {
  type: 'signal',
  path: '/a',
  interface: 'b.c',
  member: 'D',
  sender: ':1.7',
  signature: 'b',
  body: yes(true),
}
const READ = { type: 4, path: '/a', interface: 'b.c', member: 'D', sender: ':1.7', signature: 'b', body: yes(true) }

const read = (pieces: readonly Buffer[], most = 100): readonly Message[] => {
  const messages = new Messages(most)
  return pieces.flatMap((piece) => [...messages.messages(piece)])
}

t.test('messages, however they come', async (t) => {
  const answer = marshalled(
    { type: 'return', replySerial: 300, destination: ':1.9', signature: 's', body: bodyOf('x') },
    2,
  )
  const bytes = Buffer.concat([marshalled(SIGNAL, 1), answer])
  const expected = [READ, { type: 2, replySerial: 300, signature: 's', body: bodyOf('x') }]
  t.same(read([bytes]), expected)
  t.same(read([...bytes].map((byte) => Buffer.from([byte]))), expected)
})

t.test('what is not for us is passed over, and what comes after it is read', async (t) => {
  const long = { ...SIGNAL, signature: 'ay', body: Buffer.alloc(101, 'l') }
  const odd: readonly Said[] = [
    { ...SIGNAL, big: true, body: Buffer.from([0, 0, 0, 1]) },
    { ...SIGNAL, strange: true },
    { ...SIGNAL, path: `/${'a'.repeat(70_000)}` },
  ]
  for (const one of odd) {
    const bytes = Buffer.concat([marshalled(one, 1), marshalled(SIGNAL, 2)])
    t.same(read([bytes]), [READ])
    t.same(read([bytes.subarray(0, 50), bytes.subarray(50)]), [READ])
  }
  t.same(read([marshalled(long, 1), marshalled(SIGNAL, 2)]), [{ ...READ, signature: 'ay', body: undefined }, READ])
  t.equal(read([marshalled(long, 1)], 101)[0]?.body?.length, 101)
})

t.test('what is no D-Bus is said to be none, whatever it is', async (t) => {
  t.throws(() => read([Buffer.alloc(64, 'x')]), /no D-Bus message/)
  t.throws(() => read([Buffer.alloc(64, 'l')]), /longer than a D-Bus message can be/)
  const random = seeded(20261130)
  for (let round = 0; round < 3_000; round++) {
    const bytes = Buffer.concat([marshalled(SIGNAL, 1), marshalled(SIGNAL, 2)])
    for (let hit = 0; hit < 4; hit++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    try {
      for (const { body } of read([bytes])) if (body !== undefined && body.length > 100) t.fail('too long')
    } catch (error) {
      if (!/D-Bus/.test(`${error}`)) t.fail(`${error}`)
    }
  }
})

t.test('what is said and understood: texts, variants, calls with several arguments', async (t) => {
  t.same(texts(bodyOf('abc', '', 'ü'), 3), ['abc', '', 'ü'])
  t.throws(() => texts(bodyOf('abc').subarray(0, 6), 1), /cut/)
  t.equal(flag(variant(variantOf(true)).value), true)
  t.equal(variant(variantOf(7n)).value.readBigUInt64LE(0), 7n)
  const call = { path: '/a', interface: 'b.c', member: 'D', args: ['ab', 'c'], destination: 'e.f' }
  const body = bodyOf('ab', 'c')
  // METHOD_CALL with fields in our own order: path, interface, member, destination, signature.
  t.same(read([methodCall(call, 3)]), [{ type: 1, path: '/a', interface: 'b.c', member: 'D', signature: 'ss', body }])
  t.equal(methodCall({ ...call, onlyIfThere: true }, 3)[2], 2)
})
