import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import type { Manifest } from '../../agent/bundle/schema.ts'
import { manifestSchema, openingSchema, planSchema, rowSchema } from '../../agent/bundle/schema.ts'
import { capture } from '../../agent/capture/capture.ts'
import type { CaptureRequest } from '../../agent/capture/request.ts'
import type { SourceSession } from '../../agent/collector/sources/source.ts'
import { defaultSettings } from '../../agent/settings/schema.ts'
import { openStore } from '../../agent/store/open.ts'
import type { Store } from '../../agent/store/store.ts'
import { collectorAt } from '../../agent/wall/client.ts'
import { dataHeader, message } from '../../agent/wall/wire.ts'
import { chunks, collectorOf, item, source } from '../collector/synthetic.ts'
import { lent } from '../streams/poisoned.ts'

const request: CaptureRequest = {
  trigger: 'manual',
  deadline: 8_000,
  hold: 10_000,
  identity: 'host-1',
  host: { name: 'host-1', kernel: '6.1', arch: 'x64' },
  labels: {},
  recipients: [],
  problems: [],
  agent: '0',
}
const never = new AbortController().signal

async function storeIn(test: Test): Promise<{ store: Store; root: string }> {
  const root = test.testdir()
  return { store: await openStore(pathToFileURL(root).href, defaultSettings().s3, never), root }
}

const receiptOf = (manifest: Manifest, artifact: string) =>
  manifest.receipts.find((receipt) => receipt.artifact === artifact)

t.test('a capture from opening to row, each document as its schema has it', async (t) => {
  const { store, root } = await storeIn(t)
  const order: string[] = []
  const told = (name: string) =>
    async function* () {
      order.push(name)
      yield* chunks(name)
    }
  const comesUp: SourceSession['comesUp'] = async function* () {
    yield { found: [item('journal/last', told('last words'), { value: 0.5 })], gaps: [] }
  }
  const { socket } = await collectorOf(t, [
    source('journal', [item('journal/a', told('journal/a'), { value: 1 })], { comesUp }),
    source('facts', [item('facts', told('facts'), { phase: 'facts', source: 'facts' })]),
    source('cores', [item('cores/a', told('cores/a'), { class: 'memory' })]),
  ])
  const { manifest, name } = await capture(request, { collector: collectorAt(socket), store }, never)
  t.strictSame(order, ['facts', 'journal/a', 'last words'])
  const place = join(root, 'v1/hosts/host-1', name.bundle)
  t.equal(await readFile(join(place, 'journal/last'), 'utf8'), 'last words')
  const read = async (file: string) => JSON.parse(await readFile(file, 'utf8'))
  openingSchema.parse(await read(join(place, 'opening.json')))
  t.strictSame(
    planSchema
      .parse(await read(join(place, 'plan.json')))
      .artifacts.map(({ artifact, decision }) => [artifact, decision]),
    [
      ['facts', 'take'],
      ['journal/a', 'take'],
      ['cores/a', 'skip'],
    ],
  )
  t.strictSame(manifestSchema.parse(await read(join(place, 'manifest.json'))), JSON.parse(JSON.stringify(manifest)))
  t.match(receiptOf(manifest, 'cores/a'), { status: 'skipped', because: 'seal', reason: /no recipient is set/ })
  t.equal(receiptOf(manifest, 'journal/a')?.status, 'complete')
  const index = join(root, 'v1/index', `dt=${manifest.started.slice(0, 10)}`, 'host-1')
  t.strictSame((await readdir(index)).sort(), [`${name.bundle}.8.open`, `${name.bundle}.partial.unknown.json`])
  rowSchema.parse(await read(join(index, `${name.bundle}.partial.unknown.json`)))
})

t.test('a source that hangs when it is asked costs only itself, and is asked again', async (t) => {
  const { store } = await storeIn(t)
  const { socket } = await collectorOf(t, [
    source('journal', [], { inventory: () => new Promise(() => {}) }),
    source('cores', [item('cores/fine', () => chunks('fine'))]),
  ])
  const { manifest } = await capture(request, { collector: collectorAt(socket), store }, never)
  t.equal(receiptOf(manifest, 'cores/fine')?.status, 'complete')
  t.match(receiptOf(manifest, 'journal'), {
    status: 'failed',
    because: 'deadline',
    reason: /^cannot ask what journal has: .*\(tried \d times\)$/,
  })
})

t.test('a collector that is not there: a receipt for every source', async (t) => {
  const { store } = await storeIn(t)
  const { manifest } = await capture(request, { collector: collectorAt(join(t.testdir(), 'nobody')), store }, never)
  t.strictSame(
    manifest.receipts.filter(({ status, because }) => status === 'failed' && because === 'collector').length,
    manifest.receipts.length,
  )
  t.ok(['facts', 'journal', 'cores'].every((name) => receiptOf(manifest, name)))
})

/** A collector that does as it likes. */
async function rogue(test: Test, answer: (socket: Socket, what: string) => void): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'lastgasp-test-')), 's')
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes: Buffer) =>
      answer(socket, JSON.parse(bytes.subarray(5, 5 + bytes.readUInt32LE(0)).toString()).do),
    )
  }).listen(path)
  await once(server, 'listening')
  test.teardown(async () => {
    server.close()
    await rm(dirname(path), { recursive: true })
  })
  return path
}

const opened = message('end', { session: '0123456789abcdef' })
const listed = { ...item('cores/a', () => chunks()), id: 'cores:a', sealed: false }

t.test('one bad item or gap costs only itself, on either side of the wall', async (t) => {
  const { store } = await storeIn(t)
  const path = await rogue(t, (socket, what) => {
    const item = { ...listed, identity: { uid: Number.NaN, comm: 'app' } }
    const bad = [{ item: { ...listed, name: '../up' } }, { gap: { source: 'cores', class: 'memory' } }, {}, { item: 4 }]
    const answers = [...bad, { item }].map((json) => message('item', json))
    if (what === 'open') socket.end(Buffer.concat([...answers, opened]))
    else if (what === 'take')
      socket.end(Buffer.concat([dataHeader(1), Buffer.from('x'), message('end', { bytesIn: 1, ms: 1 })]))
    else socket.end(message('end', {}))
  })
  const { manifest } = await capture(request, { collector: collectorAt(path), store }, never)
  t.match(receiptOf(manifest, 'cores/a'), { status: 'complete', item: { comm: 'app', note: /uid cannot be/ } })
  t.equal(receiptOf(manifest, 'cores/a')?.item.uid, undefined)
  const bad = manifest.receipts.filter(({ status }) => status === 'failed')
  t.strictSame(
    bad.map(({ source, because }) => [source, because]),
    [...Array(2).fill(['cores', 'collector']), ...Array(2).fill(['collector', 'collector'])],
  )
  t.match(bad[0]?.reason, /its name is not as the protocol has it/)
})

t.test('what a source cannot tell costs its item, what it tells at length is cut', async (t) => {
  const { store } = await storeIn(t)
  const note = 'n'.repeat(200_000)
  const long = item('cores/long', () => chunks('x'), {
    identity: { note, uid: Number.NaN },
    open: async () => ({
      chunks: lent(chunks('x')),
      outcome: () => ({ truncated: note, identity: { note, torn: Number.NaN } }),
      [Symbol.asyncDispose]: async () => {},
    }),
  })
  const { socket } = await collectorOf(t, [
    source('cores', [item('cores/bad', () => chunks('x'), { bytes: Number.NaN }), long], {}),
    source('journal', [], {
      inventory: async () => ({
        found: [],
        gaps: [{ source: 'journal', class: 'text', status: 'failed', reason: note }],
      }),
    }),
  ])
  const { manifest } = await capture(request, { collector: collectorAt(socket), store }, never)
  t.match(receiptOf(manifest, 'cores/long'), {
    status: 'truncated',
    reason: /^n{3999}…$/,
    item: { note: /torn cannot be; / },
  })
  t.match(receiptOf(manifest, 'cores'), { status: 'failed', because: 'collector', reason: /^cores\/bad: .*its bytes/ })
  t.match(receiptOf(manifest, 'journal'), { status: 'failed', reason: /^n{3999}… \(tried 2 times\)$/ })
})

t.test('a collector that dies, floods or lies costs its artifact', async (t) => {
  const behaviours: Record<string, (socket: Socket) => void> = {
    'hangs up at once': (socket) => socket.destroy(),
    'dies in the middle': (socket) => {
      socket.write(Buffer.concat([dataHeader(1000), Buffer.from('only this')]))
      setTimeout(() => socket.destroy(), 50)
    },
    'sends noise': (socket) => socket.end(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
    'says no': (socket) => socket.end(message('fail', { reason: 'no', because: 'host' })),
    'answers something else': (socket) => socket.end(message('item', {})),
  }
  for (const [name, behave] of Object.entries(behaviours))
    await t.test(name, async (t) => {
      const { store } = await storeIn(t)
      const path = await rogue(t, (socket, what) => {
        if (what === 'take') behave(socket)
        else if (what === 'open') socket.end(Buffer.concat([message('item', { item: listed }), opened]))
        else socket.end(message('end', {}))
      })
      const { manifest } = await capture(request, { collector: collectorAt(path), store }, never)
      t.match(receiptOf(manifest, 'cores/a'), { status: /failed|truncated/, because: /collector|host/ })
      t.equal(manifest.status, 'partial')
    })
  await t.test('answers nothing when it is asked what went wrong, or which shutdown this is', async (t) => {
    const { store } = await storeIn(t)
    const path = await rogue(t, (socket, what) => {
      if (what === 'findings' || what === 'why') return
      if (what === 'take') socket.end(message('fail', { reason: 'no', because: 'host' }))
      else if (what === 'open') socket.end(Buffer.concat([message('item', { item: listed }), opened]))
      else socket.end(message('end', {}))
    })
    const { manifest } = await capture(
      { ...request, trigger: 'shutdown' },
      { collector: collectorAt(path), store },
      never,
    )
    t.match(manifest.findings, [{ kind: 'unknown', sentence: /the collector did not say/ }])
    t.equal(manifest.shutdown, undefined)
  })
  await t.test('lists without end', async (t) => {
    const { store } = await storeIn(t)
    const path = await rogue(t, (socket, what) => {
      const flood = () => {
        while (!socket.destroyed && socket.write(message('item', { item: listed })));
      }
      if (what !== 'open') socket.end(message('end', {}))
      else socket.on('drain', flood) && flood()
    })
    const { manifest } = await capture({ ...request, deadline: 60_000 }, { collector: collectorAt(path), store }, never)
    t.match(receiptOf(manifest, 'cores'), { status: 'failed', because: 'collector', reason: /more than 20000 items/ })
  })
})
