import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { headerMac } from '../../agent/seal/file-key.ts'
import { formatMac, formatStanzas, parseHeader } from '../../agent/seal/header.ts'
import { Keyring } from '../../agent/seal/keyring.ts'
import { generateIdentity, type Identity } from '../../agent/seal/keys.ts'
import { payloadKey, sealChunk } from '../../agent/seal/payload.ts'
import { sealed } from '../../agent/seal/seal.ts'
import { SealError, unsealed } from '../../agent/seal/unseal.ts'
import { bytesOf, inPieces, lines, noise, prefixOf } from '../frames/streams.ts'
import { lent } from '../streams/poisoned.ts'
import { TEST_KEY, testIdentity } from './fixtures.ts'

const { signal } = new AbortController()
const CHUNK = 65_536
const STORED = CHUNK + 16
const PAYLOAD = 22 + 98 + 48 + 16
const noAge = spawnSync('age', ['--version']).error ? 'the age program is not installed' : false
const identity = testIdentity()

const seal = (content: Buffer) => bytesOf(sealed(lent(inPieces(content, 100_000)), [identity.recipient], signal))
const open = (stored: Buffer, identities: readonly Identity[] = [identity]) =>
  prefixOf(unsealed(inPieces(stored, 30_000), new Keyring(identities), signal))

t.test('cut anywhere: all whole chunks, then "cut"', async (t) => {
  const content = noise(3 * CHUNK + 100, 31)
  const stored = await seal(content)
  const cuts = new Set([0, 1, 21, 22, 23, 60, PAYLOAD - 17, PAYLOAD - 16, PAYLOAD - 1, PAYLOAD, PAYLOAD + 1])
  for (const chunks of [1, 2, 3]) {
    for (const off of [-1, 0, 1, 15, 16, 17, 5000]) cuts.add(PAYLOAD + chunks * STORED + off)
  }
  cuts.add(stored.length - 1)
  for (const cut of [...cuts].filter((cut) => cut < stored.length)) {
    const { bytes, error } = await open(stored.subarray(0, cut))
    const whole = Math.max(0, Math.floor((cut - PAYLOAD) / STORED)) * CHUNK
    t.ok(bytes.equals(content.subarray(0, whole)), `cut at ${cut}: ${whole} bytes`)
    t.match(error, { name: 'SealError', failure: 'cut', plainBytes: whole }, `cut at ${cut}: ${error}`)
  }
})

t.test('age says the same of a cut file', { skip: noAge }, async (t) => {
  const dir = t.testdir({ 'key.txt': TEST_KEY })
  const content = noise(3 * CHUNK, 32)
  const stored = await seal(content)
  for (const cut of [PAYLOAD + STORED, PAYLOAD + 2 * STORED + 77]) {
    writeFileSync(`${dir}/cut.age`, stored.subarray(0, cut))
    const run = spawnSync('age', ['-d', '-i', `${dir}/key.txt`, `${dir}/cut.age`], { maxBuffer: 2 ** 26 })
    t.not(run.status, 0)
    // Program and prefix agree, up to what age holds back until it knows more.
    const ours = await open(stored.subarray(0, cut))
    t.ok(ours.bytes.length >= run.stdout.length)
    t.ok(ours.bytes.subarray(0, run.stdout.length).equals(run.stdout))
  }
})

t.test('not a byte can change unnoticed', async (t) => {
  const content = lines(500)
  const stored = await seal(content)
  for (let at = 0; at < stored.length; at += 1) {
    const damaged = Buffer.from(stored)
    damaged[at] = (damaged[at] as number) ^ 1
    const { bytes, error } = await open(damaged)
    if (!(error instanceof SealError) || bytes.length > 0) t.fail(`byte ${at}: ${error}`)
  }
  t.pass('every byte')
})

t.test('chunks damaged, swapped, dropped or appended', async (t) => {
  const content = noise(4 * CHUNK, 33)
  const stored = await seal(content)
  const chunk = (index: number) => stored.subarray(PAYLOAD + index * STORED, PAYLOAD + (index + 1) * STORED)
  const start = stored.subarray(0, PAYLOAD)
  const flipped = Buffer.from(chunk(1))
  flipped[7] = (flipped[7] as number) ^ 0x10
  const cases: [name: string, chunks: Buffer[], good: number][] = [
    ['damaged', [chunk(0), flipped, chunk(2), chunk(3)], 1],
    ['swapped', [chunk(0), chunk(2), chunk(1), chunk(3)], 1],
    ['dropped', [chunk(0), chunk(2), chunk(3)], 1],
    ['appended', [chunk(0), chunk(1), chunk(2), chunk(3), chunk(3)], 3],
    ['followed by something', [chunk(0), chunk(1), chunk(2), chunk(3), Buffer.from('more')], 3],
  ]
  for (const [name, chunks, good] of cases) {
    const { bytes, error } = await open(Buffer.concat([start, ...chunks]))
    t.ok(bytes.equals(content.subarray(0, good * CHUNK)), name)
    t.match(error, { failure: 'damaged', plainBytes: good * CHUNK }, `${name}: ${error}`)
  }
})

t.test('an empty last chunk, which age forbids where there is content', async (t) => {
  const content = noise(CHUNK, 35)
  const stored = await seal(content)
  const header = parseHeader(stored)
  if (header === undefined) throw new Error('no header')
  const key = payloadKey(new Keyring([identity]).open(header), stored.subarray(header.bytes, PAYLOAD))
  const chunks = [...sealChunk(key, 0, false, content), ...sealChunk(key, 1, true, Buffer.alloc(0))]
  const { bytes, error } = await open(Buffer.concat([stored.subarray(0, PAYLOAD), ...chunks]))
  t.ok(bytes.equals(content))
  t.match(error, { failure: 'damaged', message: /its last chunk is empty/ })
})

t.test('the wrong identity, or none', async (t) => {
  const stored = await seal(lines(10))
  const other = generateIdentity()
  const wrong = (await open(stored, [other])).error
  t.match(wrong, { failure: 'no-identity' })
  t.match(wrong, { message: new RegExp(`sealed to 1 recipient.*${other.recipient.text}.*--identity`) })
  t.match((await open(stored, [])).error, { failure: 'no-identity', message: /no identity was given.*--identity/ })
})

t.test('stanzas of other kinds are skipped', async (t) => {
  const stored = await seal(lines(10))
  const header = parseHeader(stored)
  if (header === undefined) throw new Error('no header')
  const fileKey = new Keyring([identity]).open(header)
  const foreign = [
    { type: 'scrypt', args: ['ajMFur+EJLGaohv/dLRGnw', '18'], body: Buffer.alloc(32) },
    { type: 'ssh-ed25519', args: ['gjpFdA', 'jpQ'], body: Buffer.alloc(32) },
    { type: 'ab3-grease', args: ['!', '~~'], body: Buffer.alloc(48 * 3) },
    { type: 'empty-grease', args: [], body: Buffer.alloc(0) },
  ]
  const rewrite = (stanzas: typeof foreign) => {
    const text = formatStanzas(stanzas)
    return Buffer.concat([text, formatMac(headerMac(fileKey, text)), stored.subarray(header.bytes)])
  }
  const mixed = await open(rewrite([...foreign, ...(header.stanzas as typeof foreign), ...foreign]))
  t.equal(mixed.error, undefined)
  t.ok(mixed.bytes.equals(lines(10)))
  const none = (await open(rewrite(foreign))).error
  t.match(none, { failure: 'no-identity', message: /scrypt, ssh-ed25519.*none of them X25519.*age -d/ })
})

t.test('what is no age file', async (t) => {
  const cases: [stored: string, why: RegExp][] = [
    ['{"some": "json"}', /no age file/],
    ['-----BEGIN AGE ENCRYPTED FILE-----\nYWdl', /armored/],
    ['age-encryption.org/v2\n-> X25519 abc\n', /version v2/],
  ]
  for (const [stored, why] of cases) {
    t.match((await open(Buffer.from(stored))).error, { failure: 'malformed', message: why }, stored)
  }
})

t.test('abort ends an opening that waits', async (t) => {
  const stored = await seal(noise(3 * CHUNK, 34))
  for (const start of [0, 50, PAYLOAD + STORED + 5]) {
    const aborting = new AbortController()
    async function* hanging(): AsyncGenerator<Buffer, void, void> {
      yield stored.subarray(0, start)
      await new Promise(() => {})
    }
    setImmediate(() => aborting.abort(new Error('enough')))
    t.match((await prefixOf(unsealed(hanging(), new Keyring([identity]), aborting.signal))).error, {
      message: 'enough',
    })
  }
})

t.test('a file that age 1.1.1 wrote, and one of ours', async (t) => {
  for (const name of ['by-age.age', 'by-us.age']) {
    const stored = readFileSync(new URL(`../fixtures/seal/${name}`, import.meta.url))
    const { bytes, error } = await open(stored)
    t.equal(error, undefined)
    t.ok(bytes.equals(lines(CHUNK + 10)), name)
  }
})
