import t from 'tap'
import { HEADER_BYTES_MAX, parseHeader, unbase64 } from '../../agent/seal/header.ts'
import { Keyring } from '../../agent/seal/keyring.ts'
import { sealed } from '../../agent/seal/seal.ts'
import { SealError, unsealed } from '../../agent/seal/unseal.ts'
import { bytesOf, inPieces, lines, prefixOf } from '../frames/streams.ts'
import { seeded } from '../random.ts'
import { lent } from '../streams/poisoned.ts'
import { testIdentity } from './fixtures.ts'

const { signal } = new AbortController()
const identity = testIdentity()
const MAC = `--- ${'A'.repeat(43)}\n`
const VERSION = 'age-encryption.org/v1\n'
const MALFORMED = { name: 'SealError', failure: 'malformed' }
const parse = (text: string) => parseHeader(Buffer.from(text, 'latin1'))

t.test('a header, and every beginning of one', async (t) => {
  const text = `${VERSION}-> a b c\n${'A'.repeat(64)}\n\n-> X25519 x\nAAAA\n-> y\n${'A'.repeat(63)}\n${MAC}`
  const header = parse(`${text}payload`)
  t.strictSame(header?.stanzas, [
    { type: 'a', args: ['b', 'c'], body: Buffer.alloc(48) },
    { type: 'X25519', args: ['x'], body: Buffer.alloc(3) },
    { type: 'y', args: [], body: Buffer.alloc(47) },
  ])
  t.equal(header?.bytes, text.length)
  t.equal(header?.authenticated.toString().endsWith('\n---'), true)
  for (let length = 0; length < text.length; length += 1) t.equal(parse(text.slice(0, length)), undefined)
})

t.test('headers that are malformed', async (t) => {
  const malformed = [
    `${VERSION}${MAC}`,
    `${VERSION}-> \n\n${MAC}`,
    `${VERSION}->\n\n${MAC}`,
    `${VERSION}-> a  b\n\n${MAC}`,
    `${VERSION}-> a\x80\n\n${MAC}`,
    `${VERSION}-> a\n${MAC}`,
    `${VERSION}-> a\nAA==\n${MAC}`,
    `${VERSION}-> a\nAB\n${MAC}`,
    `${VERSION}-> a\nA!A\n${MAC}`,
    `${VERSION}-> a\nAAA\r\n${MAC}`,
    `${VERSION}-> a\n${'A'.repeat(68)}\n${MAC}`,
    `${VERSION}-> a\n${'A'.repeat(64)}\n${MAC}`,
    `${VERSION}x\n\n${MAC}`,
    `${VERSION}-> a\n\n---${'A'.repeat(43)}\n`,
    `${VERSION}-> a\n\n--- ${'A'.repeat(42)}\n`,
    `${VERSION}-> a\n\n--- ${'A'.repeat(42)}B\n`,
    `${VERSION}-> a\n\n--- ${'A'.repeat(43)} \n`,
    'age-encryption.org/v1\r\n',
    `${VERSION}${'-> a\n\n'.repeat(HEADER_BYTES_MAX / 6)}`,
  ]
  for (const text of malformed) t.throws(() => parse(text), MALFORMED, JSON.stringify(text.slice(22, 99)))
})

t.test('base64 has one way to write a thing', async (t) => {
  t.strictSame(unbase64('AAA'), Buffer.alloc(2))
  for (const text of ['AAB', 'A', 'AA=', 'AAA=', 'A A', 'AA-_', 'AA\n']) t.equal(unbase64(text), undefined, text)
})

t.test('thousands of mutated files: a SealError each, and nothing that is not authentic', async (t) => {
  const random = seeded(42)
  const below = (limit: number) => Math.floor(random() * limit)
  const content = lines(200)
  const stored = await bytesOf(sealed(lent(inPieces(content, 200)), [identity.recipient], signal))
  const alphabet = Buffer.from('\n\n  -->=AZaz09+/\0\xff', 'latin1')
  const letter = () => alphabet[below(alphabet.length)] as number
  const mutations: ((bytes: Buffer) => Buffer)[] = [
    (bytes) => {
      const at = below(bytes.length)
      return Buffer.from(bytes).fill(letter(), at, Math.min(bytes.length, at + 1 + below(70)))
    },
    (bytes) => bytes.subarray(0, below(bytes.length)),
    (bytes) => bytes.subarray(below(bytes.length)),
    (bytes) => {
      const at = below(bytes.length)
      const changed = Buffer.from(bytes)
      changed[at] = letter()
      return changed
    },
    (bytes) => {
      const at = below(bytes.length)
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([letter()]), bytes.subarray(at)])
    },
    (bytes) => {
      const at = below(bytes.length)
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + below(70)))])
    },
    (bytes) => {
      const at = below(bytes.length)
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(at + 1))])
    },
  ]
  let refused = 0
  for (let round = 0; round < 4000; round += 1) {
    let mutant = stored
    for (let times = 1 + below(3); times > 0; times -= 1) {
      mutant = (mutations[below(mutations.length)] as (bytes: Buffer) => Buffer)(mutant)
    }
    const { bytes, error } = await prefixOf(unsealed(inPieces(mutant, 1 + below(300)), new Keyring([identity]), signal))
    if (mutant.equals(stored)) continue
    if (error instanceof SealError && bytes.length === 0) refused += 1
    else t.fail(`round ${round}: ${error}, ${bytes.length} bytes: ${JSON.stringify(mutant.toString('latin1'))}`)
  }
  t.ok(refused > 3800, `${refused} refused`)
})
