import t from 'tap'
import type { BundleView } from '../../../agent/operator/bundle/bundle-view.ts'
import type { Holding } from '../../../agent/operator/bundle/holdings.ts'
import { landings } from '../../../agent/operator/fetch/landing.ts'
import { bareReceipt } from '../bundle/bundle.ts'

const view = { opening: undefined } as BundleView
const holding = (artifact: string, more: Partial<Holding> = {}) => ({ artifact, sealed: false, ...more }) as Holding
const land = (...held: Holding[]) => landings(held, view, true).map(({ name, form }) => `${name} ${form}`)

t.test('a kept program lands at its place below the root, where gdb looks; a second one of that path does not', (t) => {
  const kept = (id: string, path: string) => {
    const artifact = `executables/${id}/shop.zst`
    const receipt = bareReceipt('executables', 'complete', { artifact, item: { path } })
    return holding(artifact, { encoding: 'frames', receipt })
  }
  t.strictSame(land(kept('aa', '/opt/shop'), kept('bb', '/opt/shop'), kept('cc', '/../etc/passwd')), [
    'root/opt/shop opened',
    'other/4/executables/bb/shop opened',
    'executables/cc/shop opened',
  ])
  t.end()
})

t.test('without a manifest, by its name: what is in frames is opened', (t) => {
  t.strictSame(
    land(
      holding('executables/aa/shop.zst'),
      holding('live/a.1.core.zst'),
      holding('cores/b.2.core.zst'),
      holding('pstore/7.dmesg.txt.zst'),
    ),
    ['executables/aa/shop opened', 'live/a.1.core opened', 'cores/b.2.core.zst stored', 'pstore/7.dmesg.txt opened'],
  )
  t.end()
})
