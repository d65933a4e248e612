import t from 'tap'
import { type BundlePlan, corePiece, tarPiece } from '../operator/bundle/bundle.ts'
import { paxBomb } from '../operator/fetch/tar-blocks.ts'
import { attack, MIB } from './attack.ts'
import { filesBelow } from './set-up.ts'

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

t.test('thousands of artifacts of ten bytes', async (t) => {
  const pieces = Array.from({ length: 2020 }, (_, i) =>
    corePiece(Buffer.alloc(10), { artifact: `cores/${i}`, item: {} }),
  )
  const { run, scene } = await attack(t, { sealed: false, pieces }, MIB)
  const { code, stdout } = await run('fetch')
  t.equal(code, 4)
  t.match(stdout, /refused .*cores\/2000\n +it is one of 2020, and 2000 are read at a time; fetch --only/)
  t.match(stdout, /refused +10 more, for the same reason or another/)
  t.equal((await filesBelow(scene.to)).filter((file) => file.startsWith('cores/')).length, 2000)
  t.equal((await run('fetch', '--only', 'cores/2010')).code, 0)
})
