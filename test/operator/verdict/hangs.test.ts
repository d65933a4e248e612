import t from 'tap'
import type { Receipt } from '../../../agent/bundle/schema.ts'
import { hangs } from '../../../agent/operator/verdict/hangs.ts'
import { bareReceipt } from '../bundle/bundle.ts'

type Details = NonNullable<Receipt['details']>
type Live = Extract<Details, { source: 'live' }>
type Stacks = Extract<Details, { source: 'stacks' }>

const stacks = (details: Omit<Stacks, 'source'>) =>
  bareReceipt('stacks', 'complete', { artifact: 'stacks.tar.zst', details: { source: 'stacks', ...details } })
const live = (trouble: Live['trouble'], unit?: string) =>
  bareReceipt('live', 'complete', {
    ...{ artifact: 'live/a', item: { unit }, details: { source: 'live', trouble, missed: ['a page'] } as const },
  })

t.test('what hung: the threads that matter first, and in what', (t) => {
  const thread = { pid: 7, comm: 'shop', tid: 7, name: 'shop', stand: 'blocked', blocked: true } as const
  const read = { ...thread, tid: 8, name: 'io', wchan: 'nfs_wait', call: 'read' }
  const lock = { ...thread, tid: 9, stand: 'deadlock?', blocked: false, call: 'futex' } as const
  const spin = { ...lock, tid: 10, stand: 'spinning' } as const
  t.strictSame(hangs([stacks({ processes: 3, looks: 2, stuck: 1, threads: [read] })]), [
    '1 of 3 processes stuck: shop io 8 in D (nfs_wait) in read',
  ])
  t.strictSame(hangs([stacks({ processes: 1, looks: 1, stuck: 1, threads: [thread] })]), [
    '1 of 1 process blocked: shop 7 in D',
  ])
  t.strictSame(hangs([stacks({ processes: 9, looks: 2, stuck: 5, threads: [lock, spin, read, thread] })]), [
    '5 of 9 processes stuck: shop 9 in a deadlock?, shop 10 spinning, shop io 8 in D (nfs_wait) in read, and 2 more',
  ])
  t.strictSame(hangs([stacks({ processes: 3, looks: 2, stuck: 0 }), stacks({ processes: 3 })]), [])
  t.end()
})

t.test('why a core was taken', (t) => {
  const told = (trouble: Live['trouble'], unit?: string) => hangs([live(trouble, unit)])[0]
  const unit = 'shop.service'
  t.equal(told({ kind: 'failed' }, unit), 'live/a: shop.service has failed')
  t.equal(told({ kind: 'stopping' }, unit), 'live/a: shop.service was being stopped and ran on')
  t.equal(told({ kind: 'blocked', comm: 'shop', tid: 8 }, unit), 'live/a: shop 8 in D, shop.service')
  t.equal(told({ kind: 'blocked', comm: 'shop', tid: 8, wchan: 'nfs_wait' }), 'live/a: shop 8 in D (nfs_wait)')
  t.equal(told({ kind: 'killed', count: 2 }, unit), 'live/a: shop.service ran out of memory: 2 killed')
  const java = { kind: 'killed', comm: 'java', pid: 812 } as const
  t.equal(told(java, unit), 'live/a: shop.service ran out of memory: java (812) was killed')
  const short = { kind: 'short', group: unit, percent: 95 } as const
  t.equal(told(short, unit), 'live/a: shop.service holds 95 % of its memory limit')
  t.equal(told({ ...short, group: 'a.slice' }, unit), 'live/a: a.slice holds 95 % of its memory limit, shop.service')
  t.end()
})

t.test('what is missing of a core is no hang, nor is the largest process one', (t) => {
  t.strictSame(hangs([live(undefined), bareReceipt('live', 'complete')]), [])
  t.end()
})
