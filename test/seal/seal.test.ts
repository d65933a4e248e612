import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Decrypter, Encrypter } from 'age-encryption'
import t from 'tap'
import { Keyring } from '../../agent/seal/keyring.ts'
import { generateIdentity, secretText } from '../../agent/seal/keys.ts'
import { storedBytes } from '../../agent/seal/payload.ts'
import { sealed } from '../../agent/seal/seal.ts'
import { unsealed } from '../../agent/seal/unseal.ts'
import type { Lease } from '../../agent/streams/lease.ts'
import { bytesOf, inPieces, noise, prefixOf, thenThrow } from '../frames/streams.ts'
import { lent } from '../streams/poisoned.ts'

const { signal } = new AbortController()
const CHUNK = 65_536
const noAge = spawnSync('age', ['--version']).error ? 'the age program is not installed' : false
const sizes = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 16 * CHUNK, 16 * CHUNK + 1, 5_000_000]
const content = noise(5_000_000, 21)

t.test('age opens what is sealed, for each of several recipients', { skip: noAge }, async (t) => {
  const dir = t.testdir()
  const identities = [generateIdentity(), generateIdentity(), generateIdentity()]
  for (const [nth, identity] of identities.entries()) writeFileSync(`${dir}/${nth}.txt`, secretText(identity))
  const recipients = identities.map(({ recipient }) => recipient)
  for (const size of sizes) {
    const stored = await bytesOf(sealed(lent(inPieces(content.subarray(0, size), 77_777)), recipients, signal))
    writeFileSync(`${dir}/it.age`, stored)
    for (const nth of size === 1 ? [0, 1, 2] : [1]) {
      const run = spawnSync('age', ['-d', '-i', `${dir}/${nth}.txt`, `${dir}/it.age`], { maxBuffer: 2 ** 26 })
      t.equal(run.stderr.toString(), '')
      t.ok(run.stdout.equals(content.subarray(0, size)), `${size} bytes, recipient ${nth}`)
    }
    t.equal(stored.length, storedBytes(22 + 98 * 3 + 48 + 16, size), 'its size is as SEAL.md says')
  }
})

t.test('age-encryption opens what is sealed', async (t) => {
  const identity = generateIdentity()
  const decrypter = new Decrypter()
  decrypter.addIdentity(secretText(identity))
  for (const size of [0, 1, CHUNK, CHUNK + 1]) {
    const stored = await bytesOf(sealed(lent(inPieces(content.subarray(0, size), 1000)), [identity.recipient], signal))
    t.ok(content.subarray(0, size).equals(await decrypter.decrypt(stored)), `${size} bytes`)
  }
})

t.test('we open what age-encryption and age seal', async (t) => {
  const identity = generateIdentity()
  for (const size of sizes) {
    const plain = content.subarray(0, size)
    const encrypter = new Encrypter()
    encrypter.addRecipient(generateIdentity().recipient.text)
    encrypter.addRecipient(identity.recipient.text)
    const theirs = Buffer.from(await encrypter.encrypt(plain))
    t.ok(
      (await bytesOf(unsealed(inPieces(theirs, 9999), new Keyring([identity]), signal))).equals(plain),
      `${size} bytes`,
    )
    if (noAge) continue
    const run = spawnSync('age', ['-r', identity.recipient.text], { input: plain, maxBuffer: 2 ** 26 })
    t.ok(
      (await bytesOf(unsealed(inPieces(run.stdout, 99_999), new Keyring([identity]), signal))).equals(plain),
      `${size}, age`,
    )
  }
})

t.test('memory goes round, and what was sealed goes back', async (t) => {
  const identity = generateIdentity()
  const events: string[] = []
  async function* source(): AsyncGenerator<Lease, void, void> {
    for await (const { bytes, release } of lent(inPieces(content, 700_001))) {
      events.push('lent')
      const back = () => {
        events.push('back')
        release()
      }
      yield { bytes, release: back }
    }
  }
  const stored: Buffer[] = []
  const memory = new Set<ArrayBufferLike>()
  for await (const { bytes, release } of sealed(source(), [identity.recipient], signal)) {
    stored.push(Buffer.concat([bytes]))
    if (stored.length > 1) memory.add(bytes.buffer)
    release()
  }
  t.ok(
    (await bytesOf(unsealed(inPieces(Buffer.concat(stored), 10_000), new Keyring([identity]), signal))).equals(content),
  )
  t.equal(memory.size, 1, `one buffer for ${stored.length - 1} of them`)
  t.same(
    events,
    Array.from({ length: 8 }, () => ['lent', 'back']).flat(),
    'each piece is given back before the next is asked for',
  )
})

t.test('no more is sealed than what is released, until the signal ends the wait', async (t) => {
  const enough = new AbortController()
  const stream = sealed(lent(inPieces(content, 700_001)), [generateIdentity().recipient], enough.signal)
  const kept = [await stream.next(), await stream.next(), await stream.next()]
  let came = false
  const waiting = stream.next().then(() => {
    came = true
  })
  await sleep(50)
  t.notOk(came)
  kept[1]?.value?.release()
  await waiting
  const inVain = stream.next()
  enough.abort(new Error('enough'))
  await t.rejects(inVain, { message: 'enough' })
})

t.test('nothing is sealed twice the same way', async (t) => {
  const { recipient } = generateIdentity()
  const seal = () => bytesOf(sealed(lent(inPieces(Buffer.alloc(100), 100)), [recipient], signal))
  const [one, two] = [await seal(), await seal()]
  for (const at of [40, 100, 150, 190, one.length - 50]) {
    t.notOk(one.subarray(at, at + 16).equals(two.subarray(at, at + 16)), `bytes at ${at}`)
  }
})

t.test('the header comes before any content is asked for', async (t) => {
  const never: AsyncIterable<Lease> = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('asked')) }),
  }
  const stream = sealed(never, [generateIdentity().recipient], signal)
  t.match((await stream.next()).value?.bytes.toString('latin1'), /^age-encryption\.org\/v1\n-> X25519 /)
  await stream.return()
})

t.test('a source that fails: what was sealed comes out, then its error', async (t) => {
  const identity = generateIdentity()
  const failure = new Error('cannot read it: because of an I/O error')
  const source = thenThrow(content.subarray(0, 3 * CHUNK + 5), 10_000, failure)
  const { bytes, error } = await prefixOf(sealed(lent(source), [identity.recipient], signal))
  t.equal(error, failure)
  const opened = await prefixOf(unsealed(inPieces(bytes, 10_000), new Keyring([identity]), signal))
  t.ok(opened.bytes.equals(content.subarray(0, 3 * CHUNK)))
  t.match(opened.error, { failure: 'cut', plainBytes: 3 * CHUNK })
})

t.test('abort ends a sealing that waits; no recipient is an error', async (t) => {
  const aborting = new AbortController()
  async function* hanging(): AsyncGenerator<Buffer, void, void> {
    await new Promise(() => {})
  }
  setImmediate(() => aborting.abort(new Error('enough')))
  const { recipient } = generateIdentity()
  t.match((await prefixOf(sealed(lent(hanging()), [recipient], aborting.signal))).error, { message: 'enough' })
  t.match((await prefixOf(sealed(lent(hanging()), [], signal))).error, {
    message: /cannot seal: there is no recipient/,
  })
})
