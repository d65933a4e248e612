import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Changes } from '../../../../agent/collector/sources/cores/changes.ts'
import { unhurried } from '../../reading.ts'

t.test('something put in, something taken out, a directory that comes and goes', async (t) => {
  const root = t.testdir({ a: {} })
  const changes = new Changes(root)
  const happened = () => changes.happened(unhurried())
  await changes.begin(['/a', '/b'], unhurried())
  t.equal(await happened(), false)
  const steps: Record<string, () => void> = {
    'put in': () => writeFileSync(join(root, 'a/core'), ''),
    'taken out': () => rmSync(join(root, 'a/core')),
    made: () => mkdirSync(join(root, 'b')),
    removed: () => rmSync(join(root, 'b'), { recursive: true }),
    'a loop': () => symlinkSync('b', join(root, 'b')),
  }
  for (const [name, step] of Object.entries(steps)) {
    // Times of files are as fine as the kernel's clock ticks.
    await new Promise((resolve) => setTimeout(resolve, 30))
    step()
    t.equal(await happened(), true, name)
    t.equal(await happened(), false, 'once')
  }
})

t.test('who asks no more is not kept waiting', async (t) => {
  const changes = new Changes(t.testdir({ a: {} }))
  await changes.begin(['/a'], AbortSignal.abort())
  t.equal(await changes.happened(AbortSignal.abort()), false)
  // By now it has answered.
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.equal(await changes.happened(unhurried()), true, 'what was not seen yet may have changed')
})
