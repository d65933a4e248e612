import t from 'tap'
import { bundlePrefix, newBundle } from '../../../agent/bundle/keys.ts'
import { viewBundle } from '../../../agent/operator/bundle/bundle-view.ts'
import { parseJson } from '../../../agent/operator/bundle/json.ts'
import { coreScripts } from '../../../agent/operator/debuggers/core-scripts.ts'
import { nextSteps } from '../../../agent/operator/debuggers/next-steps.ts'
import { rendered } from '../../../agent/operator/terminal/line.ts'
import { showLines } from '../../../agent/operator/verdict/show-lines.ts'
import { verdict } from '../../../agent/operator/verdict/verdict.ts'
import { archiveOf } from '../catalogue/archive.ts'

const { signal } = new AbortController()
const now = Date.now()
const name = newBundle('web-7', now - 3_600_000)
const opening = {
  ...{ version: 1, ...name, trigger: 'shutdown', started: '2026-11-30T11:00:00.000Z', agent: '0.1.0' },
  ...{ deadline: '2026-11-30T11:01:30.000Z', partBytes: 8, recipients: [] as string[] },
  host: { name: 'web-7', kernel: '6.12.0', arch: 'x64' },
}
const manifest = {
  ...{ ...opening, ended: '2026-11-30T11:00:04.000Z', durationMs: 4000, status: 'complete', why: 'crash' },
  ...{ problems: [] as string[], findings: [] as object[] },
}
const receipt = (i: number, more: object = {}) => ({
  ...{ artifact: `cores/${i}.core.zst`, class: 'memory', source: 'cores', status: 'complete', sealed: false },
  ...{ item: { pid: i, signal: 11, at: now - i }, bytesIn: 1, bytesStored: 1, objects: [], ms: 1, ...more },
})
const plan = { version: 1, bundle: name.bundle, rates: { read: 1, store: 1 } }

const view = (documents: Record<string, unknown>, others: readonly string[] = []) => {
  const puts = Object.entries({ 'opening.json': opening, ...documents }).map(([file, json]) => ({
    key: bundlePrefix(name) + file,
    body: typeof json === 'string' ? json : JSON.stringify(json),
  }))
  const more = others.map((object) => ({ key: bundlePrefix(name) + object, body: 'x' }))
  return viewBundle(archiveOf([...puts, ...more]), name, now, signal)
}
const plainScreen = { width: undefined }

t.test('a bad receipt costs only itself, and is told', async (t) => {
  const receipts = [receipt(0), { ...receipt(1), bytesIn: 1e308 }, receipt(2), 'none', null, [], receipt(3)]
  const seen = await view({ 'manifest.json': { ...manifest, receipts } })
  t.strictSame(
    seen.manifest?.receipts.map(({ item }) => item.pid),
    [0, 2, 3],
  )
  t.match(seen.faults, [
    /^cannot use receipt 2 \(cores\/1\.core\.zst\): bytesIn: /,
    /receipt 4/,
    /receipt 5/,
    /cannot use 1 more of 7 receipts/,
  ])
  const finding = (pid: number) => ({
    ...{ kind: 'crash', certainty: 'certain', boot: 'this', subject: { pid }, sentence: 'x', evidence: [] },
  })
  const bad = { ...finding(3), kind: 'bored' }
  const told = await view({ 'manifest.json': { ...manifest, receipts: [], findings: [finding(2), bad, finding(4)] } })
  t.strictSame(
    told.manifest?.findings.map(({ subject }) => subject.pid),
    [2, 4],
  )
  t.match(told.faults, [/cannot use finding 2: kind: /])
  const planned = await view({ 'plan.json': { ...plan, artifacts: [{ artifact: 'x' }] } })
  t.strictSame(planned.plan?.artifacts, [])
  t.match(planned.faults, [/cannot use planned artifact 1/])
})

t.test('what a host could not tell as a number costs its receipt, and not the manifest', async (t) => {
  const receipts = [
    receipt(0, { item: { uid: null } }),
    receipt(1),
    { ...receipt(2), artifact: 'a\x1b[m'.repeat(99), ms: null },
  ]
  const seen = await view({ 'manifest.json': { ...manifest, clockSkewMs: null, shutdown: { kind: 'nap' }, receipts } })
  t.strictSame(
    seen.manifest?.receipts.map(({ item }) => item.pid),
    [1],
  )
  t.equal(seen.manifest?.shutdown, undefined)
  t.match(seen.faults, [
    /^cannot use its clockSkewMs: /,
    /^cannot use its shutdown: kind: /,
    /^cannot use receipt 1 \(cores\/0\.core\.zst\): item\.uid: /,
    /^cannot use receipt 3 \(a\\u\{1b\}\[m.{186,190}…\): ms: /,
  ])
  t.equal(verdict(seen).lacks.length, 4)
})

t.test('300,000 receipts: the first 20,000, and how many there are', async (t) => {
  const one = JSON.stringify(receipt(1)).replace('"item":{"pid":1', '"item":{"pid":1,"unit":"a.service"')
  const many = `${JSON.stringify(manifest).slice(0, -1)},"receipts":[${Array(40_000).fill(one).join(',')}]}`
  const seen = await view({ 'manifest.json': many })
  t.equal(seen.manifest?.receipts.length, 20_000)
  t.match(seen.faults, [/there are 40000 receipts, and those after 20000 are left out/])
  const found = verdict(seen)
  t.ok(found.lacks.length > 0, 'and so it is incomplete')
  const began = process.cpuUsage()
  t.ok(showLines(seen, found, plainScreen).length > 20_000)
  const files = Array.from({ length: 20_000 }, (_, i) => `root/var/crash/${i}`)
  nextSteps('to', files, found, coreScripts(files, seen.manifest?.receipts ?? []))
  t.ok(process.cpuUsage(began).user < 20e6, 'not each crash with each file')
})

t.test('a document that would be a gigabyte in memory is none', (t) => {
  const deep = (open: string, close: string) => Buffer.from(`${open.repeat(100_000)}1${close.repeat(100_000)}`)
  t.throws(() => parseJson(deep('[', ']')), { message: /nests more than 32 deep/ })
  t.throws(() => parseJson(deep('{"a":', '}')), { message: /nests more than 32 deep/ })
  t.throws(() => parseJson(Buffer.from(`[${'{},'.repeat(700_000)}1]`)), { message: /more than 1000000 values/ })
  t.throws(() => parseJson(Buffer.from('{"a":"')), SyntaxError)
  t.strictSame(
    parseJson(Buffer.from('{"a":"[[[\\"[{,\\\\"}')),
    { a: '[[["[{,\\' },
    'what is in a string does not count',
  )
  t.end()
})

t.test('lists of what is not listed one by one', async (t) => {
  for (const [list, documents] of [
    ['recipients', { 'opening.json': { ...opening, recipients: Array(200_000).fill(1) } }],
    ['problems', { 'manifest.json': { ...manifest, problems: Array(200_000).fill(1), receipts: [] } }],
    ['objects', { 'manifest.json': { ...manifest, receipts: [receipt(1, { objects: Array(200_000).fill(1) })] } }],
  ] as const)
    t.match((await view(documents)).faults, [new RegExp(`${list}: more than 1000 elements`)])
})

t.test('what is hostile in a value is shown for what it is', async (t) => {
  const times = [1e308, -1e308, 8.64e15 + 1, 253402300800000, 0.5]
  const receipts = times.map((at, i) => receipt(i, { item: { at, pid: i, signal: 1e308 }, ms: 1e308 }))
  const evil = '{"__proto__":{"artifact":"polluted"},"constructor":{"prototype":1}}'
  const findings = receipts.map(({ item: { at, pid, signal } }) => ({
    ...{ kind: 'crash', certainty: 'certain', boot: 'this', subject: { pid }, at, signal, sentence: 'x', evidence: [] },
  }))
  const text = JSON.stringify({ ...manifest, receipts, findings }).replace(
    '"problems"',
    `"x":${evil},"__proto__":{"a":1},"problems"`,
  )
  const seen = await view({ 'manifest.json': text })
  t.strictSame(seen.faults, [])
  t.equal(({} as { artifact?: string }).artifact, undefined)
  const lines = showLines(seen, verdict(seen), plainScreen).map((line) => rendered(line, false))
  t.equal(lines.filter((line) => /by signal 1e\+308, pid \d, /.test(line)).length, 5)
  const labels = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`l${i}`, 'v '.repeat(10_000)]))
  const huge = {
    ...opening,
    labels,
    host: { ...opening.host, name: 'h'.repeat(1_000_000), os: 'o '.repeat(1_000_000) },
  }
  const shown = await view({ 'opening.json': huge })
  const letters = showLines(shown, verdict(shown), plainScreen)
    .map((line) => rendered(line, false))
    .join('\n').length
  t.ok(letters < 10_000, `${letters} letters are shown`)
})

t.test('what the builder and the cloud call a host, and nothing where neither says anything', async (t) => {
  const circumstances = async (more: object) => {
    const seen = await view({ 'opening.json': { ...opening, ...more } })
    return { ...seen, lines: showLines(seen, verdict(seen), plainScreen).map((line) => rendered(line, false)) }
  }
  const host = { ...opening.host, image: 'shop_42', zone: 'eu-1a', instanceType: 't3.small', group: 'web' }
  const { lines } = await circumstances({ host, labels: { team: 'shop', env: 'prod' } })
  t.ok(lines.includes('image    shop_42, t3.small, eu-1a, group web'))
  t.ok(lines.includes('labels   team=shop, env=prod'))
  const bare = await circumstances({})
  t.notOk(bare.lines.some((line) => /^(image|labels) /.test(line)))
  const odd = await circumstances({ labels: { team: 7 }, requested: 'soon' })
  t.match(odd.faults, [/^cannot use its labels: /, /^cannot use its requested: /])
  t.equal(odd.opening?.identity, opening.identity, 'they cost nothing but themselves')
})

t.test('a bundle of the boot before says whose boot it is, and whose crash', async (t) => {
  const about = { bootId: '2'.repeat(32), bundle: '20261130T020000Z-0123456789abcdef' }
  const finding = { certainty: 'certain', subject: { comm: 'shop' }, at: 1_700_000_000_000, evidence: [] }
  const findings = [
    { ...finding, kind: 'panic', boot: 'this', sentence: 'The kernel panicked.' },
    { ...finding, kind: 'crash', boot: 'this', sentence: 'x' },
    { ...finding, kind: 'crash', boot: 'earlier', sentence: 'x' },
    { ...finding, kind: 'crash', boot: 'unknown', sentence: 'x' },
  ]
  const of = async (more: object) => {
    const documents = {
      'manifest.json': { ...manifest, receipts: [], findings, ...more },
      'opening.json': { ...opening, ...more },
    }
    const seen = await view(documents)
    t.same(seen.faults, [])
    return showLines(seen, verdict(seen), plainScreen).map((line) => rendered(line, false))
  }
  const before = await of({ trigger: 'previous-boot', about })
  t.match(before[0], /; all of this is of the boot before$/)
  t.match(before[1], /^panic +The kernel panicked, 2023-11-14 22:13:20/)
  t.match(before[2], /^crashed +shop, 2023-.*, in the boot before; no core was found$/)
  t.match(before[3], /^crashed +shop, .*, in an earlier boot; no core was found$/)
  t.ok(
    before.includes(
      `about    the boot before this one, ${about.bootId}; for its end, bundle ${about.bundle} was begun`,
    ),
  )
  t.ok(
    before.some((line) => line.startsWith('history  none: ')),
    'its recorder went with it',
  )
  const now = (await of({ trigger: 'shutdown' })).join('\n')
  t.notMatch(now, /boot before|^history/m)
  t.notMatch(now, /^print/m)
  const printed = { ...finding, kind: 'crash', boot: 'this', sentence: 'x', fingerprint: '1-0123456789abcdef' }
  t.match((await of({ findings: [printed] })).join('\n'), /^print {4}1-0123456789abcdef: /m)
  const unknown = await of({ trigger: 'previous-boot', about: {} })
  t.ok(unknown.includes('about    the boot before this one'))
})

t.test('details that cannot be read cost nothing but themselves', async (t) => {
  const odd = [
    { source: 'tomorrow' },
    { source: 'live', missed: Array(1000).fill('x') },
    'none',
    { source: 'stacks', processes: 'all' },
  ]
  const receipts = odd.map((details, i) => ({ ...receipt(i), details }))
  const good = { ...receipt(9), details: { source: 'cores', thread: 7, new: 1 } }
  const seen = await view({ 'manifest.json': { ...manifest, receipts: [...receipts, good] } })
  t.strictSame(seen.faults, [])
  t.strictSame(
    seen.manifest?.receipts.map(({ details }) => details),
    [...odd.map(() => undefined), { source: 'cores', thread: 7 }],
  )
})

t.test('a thousand hangs, snapshots and problems are told in a few lines', async (t) => {
  const stacks = receipt(1, {
    source: 'stacks',
    artifact: 'stacks.tar.zst',
    details: { source: 'stacks', processes: 4, stuck: 3 },
  })
  const live = receipt(2, {
    source: 'live',
    artifact: 'live/a',
    details: { source: 'live', trouble: { kind: 'failed' } },
  })
  const receipts = [...Array(1000).fill(stacks), ...Array(1000).fill(live)]
  const seen = await view({ 'manifest.json': { ...manifest, problems: Array(1000).fill('wrong'), receipts } })
  const lines = showLines(seen, verdict(seen), plainScreen).map((line) => rendered(line, false))
  t.ok(lines.length < receipts.length + 100, `${lines.length} lines`)
  t.ok(lines.includes('  and 950 more'))
})

t.test('a prefix that somebody filled: the documents are found all the same', async (t) => {
  const filler = Array.from({ length: 26_000 }, (_, i) => `a/${String(i).padStart(6, '0')}`)
  const seen = await view({ 'manifest.json': { ...manifest, receipts: [receipt(1)] } }, filler)
  t.equal(seen.manifest?.receipts.length, 1)
  t.equal(seen.opening?.host.name, 'web-7')
  t.equal(seen.objects.size, 25_000)
  t.match(seen.faults, [/more than 25000 objects: those after a\/024999 are left out/])
})
