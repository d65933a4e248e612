import t from 'tap'
import { type BundlePlan, tarPiece } from '../operator/bundle.ts'
import { paxBomb } from '../operator/tar-blocks.ts'
import { attack, MIB } from './attack.ts'

t.test('a tar of names', async (t) => {
  const { run } = await attack(t, { sealed: false, pieces: [tarPiece(paxBomb(100))] })
  t.match(await run('fetch'), { code: 4, stdout: /truncated .*facts\n +cannot unpack all of it/ })
})

t.test('a manifest of 25,000 receipts', async (t) => {
  const others = Array.from({ length: 25_000 }, (_, i) => ({
    ...{ artifact: `cores/${i}`, class: 'memory', source: 'cores', status: 'complete', sealed: false, objects: [] },
    ...{ item: { pid: i, signal: 11, at: i, unit: 'a.service' }, bytesIn: 1, bytesStored: 1, ms: 1 },
  })) as unknown as BundlePlan['others']
  const { run } = await attack(t, { sealed: false, others: others ?? [] }, 10 * MIB)
  const stdout = /there are 25000 receipts, and those after 20000 are left out/
  t.match(await run('show'), { code: 4, stdout })
})
