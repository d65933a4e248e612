import t from 'tap'
import type { BundleView } from '../../../agent/operator/bundle/bundle-view.ts'
import type { Holding } from '../../../agent/operator/bundle/holdings.ts'
import { entryPlace, landings } from '../../../agent/operator/fetch/landing.ts'
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

t.test(
  'files land where they were, older pieces of a log beside it, in order; tars of them know what has a place',
  (t) => {
    const log = (artifact: string, path: string, from?: number) => {
      const details = { source: 'files', from: from ?? 0, older: from !== undefined } as const
      const receipt = bareReceipt('files', 'complete', { artifact, item: { path }, details })
      return holding(artifact, { encoding: 'frames', receipt })
    }
    const held = [log('files/a.zst', '/var/log/a'), log('files/a@5.zst', '/var/log/a', 5), log('files/b.zst', '/../b')]
    const tars = ['files.tar.zst', 'files-late.tar.zst'].map((artifact) => holding(artifact))
    t.strictSame(land(...held, ...tars, holding('files/var/%2Ex/HEAD.zst')), [
      ...['root/var/log/a opened', 'root/var/log/a@0000000000000000005 opened', 'files/b opened', 'files tree'],
      ...['files-late tree', 'files/var/%2Ex/%48EAD opened'],
    ])
    const tree = landings([...tars, ...held], view, true)[0]
    if (tree === undefined) return t.fail('it has no landing')
    const places = [
      'files.tsv',
      'root/etc/x',
      'root/VAR/log/A',
      'root/.git/config',
      'root/x.part',
      'root/../x',
      'open/y',
    ]
    t.strictSame(
      places.map((entry) => entryPlace(tree, entry)),
      [
        ...['files/files.tsv', 'root/etc/x', 'files/root/VAR/log/A', 'root/%2egit/config', 'files/root/x.part'],
        ...['root/../x', 'files/open/y'],
      ],
      'what leads out is refused where it is unpacked',
    )
    t.end()
  },
)

t.test('without a manifest, by its name: what is in frames is opened', (t) => {
  t.strictSame(
    land(
      holding('executables/aa/shop.zst'),
      holding('live/a.1.core.zst'),
      holding('cores/b.2.core.zst'),
      holding('pstore/7.dmesg.txt.zst'),
    ),
    ['executables/aa/shop opened', 'live/a.1.core opened', 'cores/b.2.core opened', 'pstore/7.dmesg.txt opened'],
  )
  t.end()
})
