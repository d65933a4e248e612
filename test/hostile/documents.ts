import { type BundleName, bundleTime, newBundle } from '../../agent/bundle/keys.ts'
import { bareReceipt, corePiece, factsPiece } from '../operator/bundle/bundle.ts'
import { type Attack, forged } from './attack.ts'

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
/** Times that no calendar has, or no number is. */
const TIMES = [
  '+275760-09-13T00:00:00.001Z',
  '9999-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '-1',
  '',
] as const
const NUMBERS = [1e308, -1, 2 ** 53, 1.5, Number.MAX_VALUE] as const

/** The head of an age file with so many stanzas for somebody else, as its specification has them. */
function manyStanzas(count: number): Buffer {
  const stanza = `-> X25519 ${'A'.repeat(43)}\n${'A'.repeat(43)}\n`
  return Buffer.from(`age-encryption.org/v1\n${stanza.repeat(count)}--- ${'A'.repeat(43)}\n${'x'.repeat(64)}`)
}

/** A manifest as it should be, but for what its receipts are. */
function manifestWith({ identity, bundle }: BundleName, receipts: readonly unknown[]): string {
  const time = new Date(bundleTime(bundle)).toISOString()
  const host = { name: 'web-7', kernel: '6.12.0', arch: 'x64' }
  const opening = {
    version: 1,
    identity,
    bundle,
    host,
    trigger: 'shutdown',
    started: time,
    deadline: time,
    partBytes: 8388608,
  }
  return JSON.stringify({
    ...opening,
    recipients: [],
    agent: '0.0.1',
    ended: time,
    durationMs: 1,
    status: 'complete',
    why: 'healthy',
    problems: [],
    findings: [],
    receipts,
  })
}

export const documents: readonly Attack[] = [
  {
    name: 'a plan of a hundred thousand levels',
    make: () => ({ objects: { 'plan.json': deep(100_000) }, end: 'interrupted' }),
  },
  {
    name: 'a plan that would change all objects',
    make: () => ({
      objects: { 'plan.json': '{"__proto__":{"version":1},"constructor":{"prototype":{"x":1}}}' },
      end: 'interrupted',
    }),
  },
  {
    name: 'a plan of 40 MiB',
    make: () => ({ objects: { 'plan.json': `{"version":1,"x":"${'x'.repeat(40 * 1024 ** 2)}"}` }, end: 'interrupted' }),
  },
  {
    name: 'a plan of more artifacts than a host has',
    make: () => {
      const one = {
        source: 'cores',
        class: 'memory',
        phase: 'stored',
        decision: 'take',
        limit: 1,
        bytes: 1,
        estimate: { bytesStored: 1, ms: 1 },
      }
      const artifacts = Array.from({ length: 50_000 }, (_, n) => ({ artifact: `cores/${n}`, ...one }))
      return {
        objects: { 'plan.json': JSON.stringify({ version: 1, bundle: 'x', rates: { read: 1, store: 1 }, artifacts }) },
        end: 'interrupted',
      }
    },
  },
  ...TIMES.map(
    (time): Attack => ({
      name: `the time is "${time}"`,
      make: async () => ({ pieces: [await factsPiece()], manifest: { started: time, ended: time, deadline: time } }),
    }),
  ),
  {
    name: 'numbers that nobody counts to',
    make: async () => ({
      pieces: [await factsPiece()],
      others: NUMBERS.flatMap((n) => [
        bareReceipt('cores', 'failed', { bytesIn: n, bytesStored: n, ms: n, frames: n, freezeMs: n }),
        bareReceipt('cores', 'failed', { item: { pid: n, uid: n, signal: n, at: n, started: n, threads: n, torn: n } }),
      ]),
      manifest: { clockSkewMs: 1e308, partBytes: 1e308 },
    }),
  },
  {
    name: 'findings that steer a terminal, name no artifact and are too many',
    make: async () => ({
      pieces: [await factsPiece()],
      manifest: {
        findings: Array.from({ length: 30_000 }, (_, n) => ({
          kind: n % 2 === 0 ? ('crash' as const) : ('oom' as const),
          certainty: 'claimed' as const,
          boot: 'this' as const,
          subject: { unit: `\x1b]0;owned\x07${n}`, exe: '--command=/tmp/x', comm: '\u202etxt', pid: -1, uid: 1e308 },
          ...{ signal: 1e308, at: 1e308, count: 0 },
          sentence: '\x1b[2J\x9b31mowned\n$(id)',
          evidence: [{ artifact: 'cores/../../x', entry: '\x1b[0m' }],
        })),
      },
    }),
  },
  {
    name: 'receipts that are none',
    make: async ({ name }) => ({
      pieces: [await factsPiece(), corePiece(Buffer.from('x'))],
      objects: {
        'manifest.json': manifestWith(name, [null, 'x', 7, [], {}, { artifact: 1 }, { artifact: 'facts.tar.zst' }]),
      },
    }),
  },
  {
    name: 'the manifest of another bundle',
    make: async () => ({ pieces: [await factsPiece()], manifest: { ...newBundle('other', 0) } }),
  },
  {
    name: 'the manifest of another version',
    make: async () => ({ pieces: [await factsPiece()], manifest: { version: 2 as never } }),
  },
  {
    name: 'a seal with 20,000 recipients',
    make: () => ({
      objects: Object.fromEntries(
        ['facts.tar.zst.age', 'live/a.core.zst.age', 'live/b.core.zst.age'].map((name) => [name, manyStanzas(20_000)]),
      ),
    }),
  },
  {
    name: 'a seal that has no end',
    make: () => ({
      objects: { 'facts.tar.zst.age': `age-encryption.org/v1\n-> X25519 ${'A'.repeat(50 * 1024 ** 2)}` },
    }),
  },
  {
    name: 'a seal of nothing',
    make: () => ({
      objects: { 'facts.tar.zst.age': '', 'live/a.core.zst.age': 'age-encryption.org/v1\n', 'plan.json.age': 'x' },
    }),
  },
  {
    name: 'frames that are none',
    make: () => ({
      pieces: [
        forged('facts.tar.zst', 'facts', Buffer.from('not zstd')),
        forged('live/a.core.zst', 'live', Buffer.alloc(0)),
      ],
    }),
  },
  {
    name: 'objects that are said to be elsewhere',
    make: () => ({
      pieces: ['../../other/x', '/etc/passwd', 'opening.json', ''].map((name, n) => ({
        ...corePiece(Buffer.from('x'), { artifact: `cores/${n}`, item: {} }),
        receipt: { objects: [{ name, bytes: 1, sha256: 'x' }] },
      })),
    }),
  },
]

export const believed: readonly Attack[] = [
  {
    name: 'index marks of the year 9999, and of other hosts',
    make: () => ({
      keys: {
        'v1/index/dt=9999-12-31/db-1/99991231T235959Z-0123456789abcdef.complete.healthy.json': '{}',
        'v1/index/dt=9999-12-31/web-7/99991231T235959Z-0123456789abcdef.90.open': '',
        'v1/index/dt=2026-13-45/web-7/20261345T996199Z-0123456789abcdef.90.open': '',
        'v1/index/dt=2026-01-01/\u202eowned\u009b/20260101T000000Z-0123456789abcdef.90.open': '',
      },
    }),
  },
]
