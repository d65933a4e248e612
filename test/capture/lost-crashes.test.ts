import t from 'tap'
import type { Finding, Receipt } from '../../agent/bundle/schema.ts'
import { lostCrashes } from '../../agent/capture/lost-crashes.ts'
import { scene } from './scene.ts'
import { facts, gap } from './scripted-collector.ts'

const crash = (pid: number, over: Partial<Finding> = {}): Finding => ({
  ...{ kind: 'crash', certainty: 'certain', boot: 'this', subject: { unit: 'a.service', comm: 'a', pid }, signal: 11 },
  ...{ at: 1_700_000_000_000, late: true, sentence: 'It crashed.', evidence: [{ artifact: 'journal' }] },
  ...over,
})

t.test('what died while the host went down and left no core has a receipt, by whoever told of it', async (t) => {
  const lost = lostCrashes([crash(7), crash(8, { kind: 'oom', signal: undefined })], [])
  t.match(lost, [
    {
      ...{ artifact: 'cores', source: 'cores', class: 'memory', status: 'failed', because: 'host' },
      reason: /crashed while the host went down, and left no core/,
      item: { unit: 'a.service', comm: 'a', pid: 7, signal: 11, at: 1_700_000_000_000 },
    },
    { status: 'absent', reason: /killed for want of memory/, item: { pid: 8 } },
  ])
})

t.test('not what has a core, or a receipt already, or died before', async (t) => {
  const own = { source: 'cores', item: { pid: 9 } } as Receipt
  const other = { source: 'stacks', item: { pid: 10 } } as Receipt
  const findings = [
    crash(7, { evidence: [{ artifact: 'cores/a.7.core.zst' }] }),
    crash(8, { late: undefined }),
    crash(9),
    crash(10),
    crash(11, { kind: 'unknown' }),
  ]
  t.strictSame(
    lostCrashes(findings, [own, other]).map(({ item }) => item.pid),
    [10],
  )
})

t.test('in the manifest, which is partial then', async (t) => {
  const s = scene(facts())
  s.collector.findings = async () => [crash(7)]
  const manifest = await s.captured()
  t.equal(manifest.status, 'partial')
  t.match(manifest.receipts.at(-1), { artifact: 'cores', status: 'failed', item: { pid: 7 } })
  const told = scene(facts())
  told.collector.findings = async () => [crash(7)]
  told.collector.last = async function* () {
    yield { items: [], gaps: [gap('cores', { identity: { pid: 7 }, reason: 'a[7] crashed' })] }
  }
  const { receipts } = await told.captured()
  t.equal(receipts.filter(({ source }) => source === 'cores').length, 1, 'once')
})

t.test('a look at the end that did not see all is repeated, while there is time', async (t) => {
  const s = scene(facts())
  const unknown = crash(1, { kind: 'unknown', late: undefined })
  const answers = [[], [unknown], [crash(7)]]
  s.collector.findings = async () => answers.shift() ?? []
  const manifest = await s.captured()
  t.equal(manifest.why, 'crash')
  t.equal(s.collector.count('findings'), 3)
})
