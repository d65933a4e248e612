import t from 'tap'
import { hangs } from '../../../agent/operator/verdict/hangs.ts'
import { bareReceipt } from '../bundle/bundle.ts'

const live = (item: object) => bareReceipt('live', 'complete', { artifact: 'live/shop.7.core.zst', item })

t.test('what hung: the stacks say it, and why a core was taken', (t) => {
  const stacks = (note: string) => bareReceipt('stacks', 'complete', { artifact: 'stacks.tar.zst', item: { note } })
  t.strictSame(
    hangs([
      stacks('1 of 3 processes stuck: shop 7 in D (nfs_wait)'),
      stacks('3 processes, none stuck'),
      live({ trouble: 'shop.service has failed', unit: 'shop.service' }),
      live({ trouble: 'shop 8 in D', unit: 'shop.service' }),
    ]),
    [
      '1 of 3 processes stuck: shop 7 in D (nfs_wait)',
      'live/shop.7.core.zst: shop.service has failed',
      'live/shop.7.core.zst: shop 8 in D, shop.service',
    ],
  )
  t.end()
})

t.test('what is missing of a core is no hang, nor is the largest process one', (t) => {
  t.strictSame(hangs([live({ note: 'taken by gdb' }), live({})]), [])
  t.end()
})
