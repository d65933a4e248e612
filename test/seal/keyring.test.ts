import t from 'tap'
import { headerMac, wrapFileKey } from '../../agent/seal/file-key.ts'
import { formatMac, formatStanzas, type Header, parseHeader, type Stanza } from '../../agent/seal/header.ts'
import { Keyring } from '../../agent/seal/keyring.ts'
import { generateIdentity, type Identity } from '../../agent/seal/keys.ts'

const fileKey = Buffer.alloc(16, 7)
const [mine, other, third] = [generateIdentity(), generateIdentity(), generateIdentity()] as const

function headerOf(stanzas: readonly Stanza[]): Header {
  const authenticated = formatStanzas(stanzas)
  const header = parseHeader(Buffer.concat([authenticated, formatMac(headerMac(fileKey, authenticated))]))
  if (header === undefined) throw new Error('no header')
  return header
}

const sealedTo = (...identities: Identity[]) =>
  headerOf(identities.map(({ recipient }) => wrapFileKey(fileKey, recipient)))

t.test('whichever identity and stanza it is, also when it changes from one object to the next', (t) => {
  const keyring = new Keyring([other, mine])
  for (const header of [sealedTo(third, mine), sealedTo(third, mine), sealedTo(mine), sealedTo(third, third, other)])
    t.ok(keyring.open(header).equals(fileKey))
  t.throws(() => keyring.open(sealedTo(third)), { failure: 'no-identity', message: /to none of yours/ })
  t.throws(() => new Keyring([]).open(sealedTo(mine)), { failure: 'no-identity', message: /no identity was given/ })
  t.end()
})

t.test('a bundle cannot choose how often keys are agreed on', (t) => {
  // What a bundle of headers that nothing fits makes of twenty identities; the stanzas need not be real ones.
  const foreign = wrapFileKey(fileKey, third.recipient)
  const header = headerOf(Array(1100).fill(foreign))
  const keyring = new Keyring(Array.from({ length: 20 }, () => generateIdentity()))
  t.throws(() => keyring.open(header), { failure: 'no-identity', message: /none of yours fits after 20000 tries/ })
  const { user } = process.cpuUsage()
  for (let object = 0; object < 100; object++) t.throws(() => keyring.open(header), { message: /after 20000 tries/ })
  t.ok(process.cpuUsage().user - user < 3e6, 'and no more is tried')
  t.end()
})

t.test('a bundle of many objects for many recipients takes one try each, however many tries there were', (t) => {
  const keyring = new Keyring([...Array.from({ length: 19 }, () => generateIdentity()), mine])
  const recipients = [...Array.from({ length: 31 }, () => generateIdentity()), mine]
  const header = sealedTo(...recipients)
  for (let object = 0; object < 200; object++) if (!keyring.open(header).equals(fileKey)) t.fail(`object ${object}`)
  t.pass('128,000 tries were not needed')
  t.end()
})
