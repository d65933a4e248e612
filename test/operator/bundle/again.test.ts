import t from 'tap'
import type { BundleView } from '../../../agent/operator/bundle/bundle-view.ts'
import { holdings } from '../../../agent/operator/bundle/holdings.ts'

const receipt = (...objects: readonly [string, number][]) => ({
  artifact: 'cores/a.core.zst',
  sealed: false,
  objects: objects.map(([name, bytes]) => ({ name, bytes, sha256: '0' })),
})
const held = (objects: readonly [string, number][], ...receipts: ReturnType<typeof receipt>[]) =>
  holdings({ manifest: { receipts }, objects: new Map(objects) } as unknown as BundleView).map(
    ({ objects, fault, receipt }) => [objects.map(({ name, bytes }) => `${name} ${bytes}`).join(), fault, !!receipt],
  )
const name = 'cores/a.core.zst'
const again = `${name}.again`

t.test('what came again is the artifact, where its own name is missing or cut', async (t) => {
  t.same(held([[again, 9]], receipt([name, 9])), [[`${again} 9`, undefined, true]])
  t.same(
    held(
      [
        [name, 4],
        [again, 9],
      ],
      receipt([name, 9]),
    ),
    [[`${again} 9`, undefined, true]],
  )
})

t.test('its own name is it where that is what the receipt says, and what else there is is told', async (t) => {
  const there = [[name, 9] as const, [again, 4] as const].map(([one, bytes]) => [one, bytes] as [string, number])
  t.same(held(there, receipt([name, 9])), [
    [`${name} 9`, undefined, true],
    [`${again} 4`, undefined, false],
  ])
  t.match(held([[again, 4]], receipt([name, 9])), [[`${again} 4`, /has 4 bytes, and its receipt says 9/, true]])
})

t.test('each segment for itself', async (t) => {
  const segment = `${name}.001`
  t.same(
    held(
      [
        [name, 9],
        [`${segment}.again`, 3],
      ],
      receipt([name, 9], [segment, 3]),
    ),
    [[`${name} 9,${segment}.again 3`, undefined, true]],
  )
})

t.test('without a manifest the longer one counts, and segments stand in order', async (t) => {
  const objects: [string, number][] = [
    [name, 4],
    [`${name}.001.again`, 3],
    [again, 9],
  ]
  t.same(held(objects), [[`${again} 9,${name}.001.again 3`, undefined, false]])
})
