import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { closingManifest, indexRow } from '../../agent/bundle/closing.ts'
import { isDocument, openKey, parseIndexKey, rowKey } from '../../agent/bundle/keys.ts'
import { lasts } from '../../agent/bundle/lasts.ts'
import { type Salvage, salvageSchema } from '../../agent/bundle/salvage-schema.ts'
import { rowOfManifest, salvagedRow } from '../../agent/bundle/salvaged-row.ts'
import { type Finding, manifestSchema, type Opening, type Receipt, rowSchema } from '../../agent/bundle/schema.ts'

const golden = (name: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, 'golden', name), 'utf8'))

const name = { identity: 'i-0123456789abcdef0', bundle: '20261130T030000Z-0123456789abcdef' }
const opening: Opening = {
  ...{ version: 1, ...name, trigger: 'shutdown', agent: '0.1.0', partBytes: 8_388_608, recipients: [] },
  ...{ started: '2026-11-30T03:00:00.250Z', deadline: '2026-11-30T03:01:30.250Z' },
  ...{ requested: '2026-11-30T03:00:00.100Z', labels: { team: 'shop', zone: 'rack-7' } },
  host: {
    name: 'web-7',
    image: 'shop_42',
    zone: 'eu-1a',
    instanceType: 't3.small',
    group: 'web',
    bootId: '3'.repeat(32),
    kernel: '6.12.0',
    os: 'Debian GNU/Linux 13',
    arch: 'x64',
  },
}
const receipt: Receipt = {
  ...{ artifact: 'cores/shop.812.core.zst', class: 'memory', source: 'cores', status: 'complete' },
  ...{
    item: { pid: 812, signal: 11, threads: 4 },
    details: { source: 'cores', thread: 814 },
    encoding: 'as-is',
    sealed: false,
    bytesIn: 4096,
    bytesStored: 4096,
    ms: 12,
  },
  ...{ sha256: '0'.repeat(64), objects: [{ name: 'cores/shop.812.core.zst', bytes: 4096, sha256: '0'.repeat(64) }] },
}
const nothing = { sealed: false, bytesStored: 0, objects: [] }
const findings: readonly Finding[] = [
  {
    ...{ kind: 'oom', certainty: 'certain', boot: 'this', at: 1796006000000 },
    subject: { unit: 'java.service', comm: 'java', pid: 900, uid: 33 },
    sentence: 'java (pid 900) of java.service was killed by the kernel for want of memory.',
    evidence: [{ artifact: 'facts.tar.zst', entry: 'kernel-log.txt' }],
  },
  {
    ...{ kind: 'crash', certainty: 'certain', boot: 'this', signal: 11, at: 1796005000000 },
    subject: { unit: 'shop.service', exe: '/opt/shop', pid: 812 },
    sentence: '/opt/shop (pid 812) of shop.service was ended by SIGSEGV.',
    evidence: [{ artifact: 'journal' }, { artifact: 'cores/shop.812.core.zst' }],
  },
  {
    ...{ kind: 'crash', certainty: 'likely', boot: 'earlier', subject: { comm: 'old', pid: 7 }, evidence: [] },
    sentence: 'old (pid 7) crashed, in an earlier boot; no core was found.',
  },
]
const ending = {
  held: 310.4,
  ...{ duration: 4000.4, clockSkew: -12, problems: ['a problem'], receipts: [receipt], findings },
  shutdown: { kind: 'poweroff', by: 'systemctl' },
} as const

t.test('a closing manifest and its row are what they were', (t) => {
  const manifest = closingManifest(opening, ending)
  if (process.env.LASTGASP_GOLDEN === 'write') {
    // Read the difference before it is committed.
    for (const [file, document] of Object.entries({ manifest, row: indexRow(manifest, name) }))
      writeFileSync(join(import.meta.dirname, 'golden', `${file}.json`), `${JSON.stringify(document, null, 2)}\n`)
  }
  t.same(manifest, golden('manifest.json'))
  t.same(manifestSchema.parse(manifest), manifest)
  const row = indexRow(manifest, name)
  t.same(row, golden('row.json'))
  t.same(rowSchema.parse(row), row)
  t.end()
})

t.test('what a salvager says, and its row, are what they were', (t) => {
  const salvage: Salvage = {
    ...{ version: 1, ...name, salvaged: '2026-11-30T04:00:00.000Z', agent: '0.1.0', closed: false },
    receipts: [
      {
        ...{
          artifact: 'facts.tar.zst',
          class: 'text',
          source: 'facts',
          status: 'arrived',
          sealed: true,
          bytesStored: 4096,
        },
        objects: [{ name: 'facts.tar.zst.age', bytes: 4096 }],
      },
      {
        ...{
          artifact: 'cores/shop.812.core.zst',
          class: 'memory',
          source: 'cores',
          status: 'unfinished',
          sealed: true,
        },
        bytesStored: 2 * 8_388_608,
        objects: [
          {
            ...{ name: 'cores/shop.812.core.zst.age', bytes: 3 * 8_388_608 },
            upload: { id: '0123456789abcdef', parts: 2, holes: [{ from: 8_388_608, to: 2 * 8_388_608 }] },
          },
        ],
      },
      { ...{ artifact: 'memory/vmcore.zst', class: 'memory', source: 'memory', status: 'missing' }, ...nothing },
      { ...{ artifact: 'stacks.tar.zst', class: 'memory', source: 'stacks', status: 'skipped' }, ...nothing },
    ],
    left: [{ name: 'cores/shop.813.core.zst.age', parts: 1, bytes: 5, reason: 'the object is there already' }],
  }
  const sealedTo = { ...opening, recipients: ['age1x'] }
  const row = salvagedRow(sealedTo, salvage.receipts, name)
  if (process.env.LASTGASP_GOLDEN === 'write') {
    for (const [file, document] of Object.entries({ salvage, 'salvaged-row': row }))
      writeFileSync(join(import.meta.dirname, 'golden', `${file}.json`), `${JSON.stringify(document, null, 2)}\n`)
  }
  t.same(salvage, golden('salvage.json'))
  t.same(salvageSchema.parse(golden('salvage.json')), salvage)
  t.same(row, golden('salvaged-row.json'))
  t.same(rowSchema.parse(row), row)
  t.end()
})

t.test('a row of what a manifest says, by a salvager', (t) => {
  const manifest = closingManifest(opening, ending)
  t.same(rowOfManifest(manifest, name), { ...indexRow(manifest, name), status: 'salvaged' })
  t.end()
})

t.test('documents by their names', (t) => {
  for (const document of ['opening.json', 'plan.json', 'manifest.json', 'salvage.json', 'salvage.json.001'])
    t.ok(isDocument(document), document)
  for (const other of ['salvage.json.01', 'salvage.json.age', 'cores/salvage.json', 'x.json'])
    t.notOk(isDocument(other), other)
  t.end()
})

t.test('a bundle of the boot before says whose boot it is about', (t) => {
  const about = { bootId: '2'.repeat(32), bundle: '20261130T020000Z-0123456789abcdef' }
  const manifest = closingManifest({ ...opening, trigger: 'previous-boot', about }, ending)
  t.same(manifestSchema.parse(manifest).about, about)
  const told = { about_boot_id: about.bootId, about_bundle: about.bundle, boot_id: opening.host.bootId }
  t.match(rowSchema.parse(indexRow(manifest, name)), { ...told, trigger: 'previous-boot' })
  const odd = { ...manifest, about: { bundle: '../x' } }
  t.throws(() => manifestSchema.parse(odd))
  t.end()
})

t.test('a row names the pod of what is told first, and says that a shutdown was cancelled', (t) => {
  const place = { container: 'c'.repeat(64), pod: 'shop-1', namespace: 'web', containerName: 'shop' }
  const [first] = findings as [Finding]
  const shutdown = { kind: 'unknown', cancelled: true } as const
  const of = { ...ending, shutdown, findings: [{ ...first, subject: { ...first.subject, ...place } }] }
  const manifest = closingManifest(opening, of)
  t.same(manifestSchema.parse(manifest), manifest)
  const row = indexRow(manifest, name)
  t.match(row, { why_pod: 'shop-1', why_namespace: 'web', why_container: 'shop', shutdown_cancelled: true })
  t.same(rowSchema.parse(row), row)
  t.end()
})

t.test('a row says what a bundle cost, who was in the way, and of which build the program is', (t) => {
  const buildId = 'ab'.repeat(20)
  const objects = (...bytes: number[]) => bytes.map((bytes, i) => ({ name: `o.${i}`, bytes, sha256: '0'.repeat(64) }))
  const core: Receipt = { ...receipt, objects: objects(8_388_608, 8_388_609), item: { pid: 812, buildId } }
  const facts: Receipt = { ...receipt, artifact: 'facts.tar.zst', source: 'facts', objects: objects(5) }
  const gone: Receipt = { ...receipt, source: 'journal', status: 'failed', because: 'store', objects: [] }
  const stacks: Receipt = {
    ...{ ...gone, source: 'stacks', status: 'skipped', because: 'limit' },
    details: { source: 'stacks', processes: 9, stuck: 2 },
  }
  const [, crash] = findings as [Finding, Finding]
  const other: Receipt = { ...gone, artifact: 'cores/other', item: { buildId: 'cd'.repeat(20) } }
  const of = { ...ending, receipts: [other, gone, core, facts, stacks], findings: [crash] }
  const row = indexRow(closingManifest({ ...opening, labels: undefined }, of), name)
  t.match(row, {
    ...{ requests: 5 + 1 + 4 + 1, requests_by_source: { cores: 5, facts: 1 }, bytes_by_source: { facts: 5 } },
    ...{ worst_because: 'store', why_build_id: buildId, stuck: 2, zone: 'eu-1a', labels: {} },
  })
  t.equal(row.bytes_by_source.cores, 2 * 8_388_608 + 1)
  t.same(rowSchema.parse(row), row)
  const less = indexRow(closingManifest(opening, { ...of, receipts: [facts, stacks], held: undefined }), name)
  t.match(less, { worst_because: 'limit', why_build_id: null, held_ms: null })
  t.end()
})

t.test(
  'a crash has the fingerprint of its core’s stack, or of its process’s at that time, a hang that of its process’s, and no other',
  (t) => {
    const print = (n: number) => `1-${String(n).padStart(16, '0')}`
    const traces: Receipt = {
      ...{ ...receipt, artifact: 'traces.tar.zst', source: 'traces', item: {} },
      details: {
        ...{ source: 'traces', processes: 2, crashed: 2 },
        fingerprints: [
          { of: 'crash', path: '/cores/other', fingerprint: print(1) },
          { of: 'crash', path: '/cores/shop', fingerprint: print(2) },
          { of: 'spinning', pid: 9, fingerprint: print(3) },
          { of: 'deadlock', pid: 9, fingerprint: print(4) },
          { of: 'crash', fingerprint: print(5) },
          { of: 'crash', pid: 30, at: 1796000000000, fingerprint: print(6) },
          { of: 'crash', pid: 31, at: 1796000000000, path: '/cores/late', fingerprint: print(7) },
        ],
      },
    }
    const core: Receipt = { ...receipt, item: { pid: 812, path: '/cores/shop' } }
    const [oom, crash, old] = findings as [Finding, Finding, Finding]
    const hang = { ...oom, kind: 'hang', rule: 'deadlock', subject: { pid: 9 } } as const
    const others = [
      { ...hang, subject: { pid: 10 } },
      { ...hang, subject: {} },
      { ...hang, rule: 'blocked' },
    ]
    const { at: _, ...timeless } = crash
    const crashOf = (pid: number, after: number): Finding => ({
      ...{ ...crash, subject: { pid }, at: 1796000000000 + after, evidence: [{ artifact: 'journal' }] },
    })
    const coreless = [
      ...[crashOf(30, 1000), crashOf(31, -60_000), crashOf(30, 3_600_000), crashOf(32, 0)],
      ...[
        { ...crashOf(30, 0), rule: 'oops' },
        { ...timeless, subject: { pid: 30 }, evidence: [] },
      ],
    ]
    const of = { ...ending, findings: [crash, hang, oom, old, ...others, ...coreless], receipts: [traces, core] }
    const manifest = closingManifest(opening, of)
    t.same(
      manifest.findings.map(({ fingerprint }) => fingerprint),
      [print(2), print(4), ...Array(5).fill(undefined), print(6), print(7), ...Array(4).fill(undefined)],
    )
    t.same(manifestSchema.parse(manifest), manifest)
    t.equal(rowSchema.parse(indexRow(manifest, name)).fingerprint, print(2))
    t.equal(indexRow(closingManifest(opening, ending), name).fingerprint, null, 'there is no trace')
    const odd = { ...crash, fingerprint: 'main' }
    t.throws(() => manifestSchema.parse({ ...manifest, findings: [odd] }), 'no text of a stack')
    t.end()
  },
)

t.test('without findings nothing is known', (t) => {
  t.equal(closingManifest(opening, { ...ending, findings: [] }).why, 'unknown')
  t.end()
})

t.test('keys are what they were, and are read as they were written', (t) => {
  const folder = `v1/index/dt=2026-11-30/${name.identity}/${name.bundle}`
  const key = openKey(name, lasts({ ...opening, deadline: '2026-11-30T03:01:30.300Z' }))
  t.equal(key, `${folder}.91.open`, 'seconds, rounded up')
  t.same(parseIndexKey(key), { ...name, mark: { kind: 'open', seconds: 91 } })
  t.equal(openKey(name, 1e9), `${folder}.86400.open`, 'a day at most')
  for (const status of ['complete', 'partial', 'salvaged'] as const)
    for (const why of ['healthy', 'crash', 'oom', 'panic', 'hang', 'exhausted', 'failed', 'unknown'] as const) {
      const row = rowKey(name, status, why)
      const ofBefore = rowKey(name, status, why, true)
      t.equal(row, `${folder}.${status}.${why}.json`)
      t.same(parseIndexKey(row), { ...name, mark: { kind: 'row', status, why, before: false } })
      t.equal(ofBefore, `${folder}.${status}.${why}.before.json`)
      t.same(parseIndexKey(ofBefore), { ...name, mark: { kind: 'row', status, why, before: true } })
    }
  t.end()
})
