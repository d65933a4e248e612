import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { encodeBech32 } from '../../agent/seal/bech32.ts'
import { loadSettings } from '../../agent/settings/layers.ts'

/** Texts that are tried; each is a few files read, so a few thousand take seconds. */
const ROUNDS = 3000

/** An invented public key: the same on every run, as the mutations are. */
const KEY = encodeBech32('age', Buffer.alloc(32, 9))
const GOOD = `store = "s3://bucket/prefix"
deadline = "5min" # why not
identity = 'host-1'
s3 = { region = "eu-central-1", endpoint = "https://s3.example.net", addressing = "path" }
[seal]
recipients = [
  "${KEY}",
]
unsealed = "allow"
[cores]
directories = ["/a", """/b"""]
age = "1.5h"
`
const PIECES = [
  '"',
  "'",
  '[',
  ']',
  '{',
  '}',
  '=',
  '.',
  '#',
  '\n',
  '"""',
  '\\',
  '[[',
  'é',
  '\xff',
  '\0',
  ',',
  '=1',
  '__proto__',
  'seal',
]

/** mulberry32: the same texts on every run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

function mutated(text: Buffer, next: (below: number) => number): Buffer {
  let bytes = text
  for (let times = next(3) + 1; times > 0; times--) {
    const at = next(bytes.length + 1)
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
    const piece = Buffer.from(PIECES[next(PIECES.length)] ?? '', next(4) === 0 ? 'latin1' : 'utf8')
    const inserted = [piece, Buffer.from([next(256)]), head.subarray(next(head.length + 1)), Buffer.alloc(0)][next(4)]
    bytes = Buffer.concat([head, inserted ?? piece, tail.subarray(next(2) * next(Math.min(tail.length, 12) + 1))])
  }
  return bytes
}

t.test('no text makes the loader throw, or opens memory unless it parsed', async (t) => {
  const root = t.testdir({})
  const folder = join(root, 'etc/lastgasp/config.d')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, '00.toml'), 'seal.unsealed = "allow"')
  const next = random(20_260_101)
  const outcomes = { used: 0, broken: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutated(Buffer.from(GOOD), next)
    writeFileSync(join(folder, '50.toml'), bytes)
    const { settings, problems, layers } = await loadSettings({ root }, AbortSignal.timeout(60_000))
    const broken = layers.some(({ status }) => status === 'broken')
    outcomes[broken ? 'broken' : 'used'] += 1
    const { seal, deadline, cores } = settings
    const lines = bytes.toString().split('\n').length
    const holds =
      broken === (seal.broken !== undefined) &&
      broken === problems.length > 0 &&
      !(broken && seal.unsealed === 'allow') &&
      (!broken || (seal.recipients.length === 0 && deadline === 90_000)) &&
      problems.every(({ line }) => line === undefined || (line >= 1 && line <= lines)) &&
      deadline >= 5000 &&
      deadline <= 1_800_000 &&
      seal.recipients.every((recipient) => /^age1[a-z0-9]{58}$/.test(recipient)) &&
      cores.directories.every((directory) => directory.startsWith('/'))
    if (!holds) return t.fail(`round ${round}`, { text: bytes.toString('latin1'), settings, problems })
  }
  t.ok(outcomes.used > ROUNDS / 20, `some texts still hold (${outcomes.used})`)
  t.ok(outcomes.broken > ROUNDS / 2, `most do not (${outcomes.broken})`)
})
