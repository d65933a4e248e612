import t from 'tap'
import { receiptOf, scene } from './scene.ts'
import { type Content, facts, gives, scripted } from './scripted-collector.ts'

const KIB = 1024
const text = (kib: number) => 'x'.repeat(kib * KIB)

t.test('a bundle takes no more of its store than it may', async (t) => {
  const s = scene(
    facts(gives(text(100)), { bytes: 100 * KIB }),
    scripted('cores/a', gives(text(300)), { bytes: 300 * KIB, value: 10 }),
    scripted('cores/b', gives(text(600)), { bytes: 600 * KIB, value: 5 }),
  )
  const manifest = await s.captured({ limit: 500 * KIB })
  t.equal(receiptOf(manifest, 'facts')?.status, 'complete')
  t.equal(receiptOf(manifest, 'cores/a')?.status, 'complete')
  t.match(receiptOf(manifest, 'cores/b'), { status: 'skipped', because: 'limit', reason: 'bundle.limit leaves 100KiB' })
  t.equal(manifest.status, 'complete', 'as the settings have it')
})

t.test('one that is larger than it was said to be is ended', async (t) => {
  const endless: Content = async function* (stop) {
    while (!stop.aborted) yield Buffer.from(text(100))
  }
  const s = scene(
    facts(gives(text(10)), { bytes: 10 * KIB }),
    scripted('cores/a', endless, { bytes: 100 * KIB, value: 1000 }),
    scripted('cores/b', gives(text(300)), { bytes: 300 * KIB, value: 1 }),
  )
  const manifest = await s.captured({ limit: 500 * KIB })
  const cut = receiptOf(manifest, 'cores/a')
  t.match(cut, { status: 'truncated', because: 'limit', reason: 'bundle.limit is 500KiB in all' })
  const stored = manifest.receipts.reduce((sum, { bytesStored }) => sum + bytesStored, 0)
  t.ok(stored <= 600 * KIB, `${stored} bytes are stored: a piece more`)
  t.equal(receiptOf(manifest, 'cores/b')?.status, 'complete', 'what was promised to another is his')
})
