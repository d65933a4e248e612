import t from 'tap'
import type { Receipt } from '../../../agent/bundle/schema.ts'
import { beforeTheEnd } from '../../../agent/operator/verdict/before-the-end.ts'
import { bareReceipt } from '../bundle/bundle.ts'

type Facts = Extract<NonNullable<Receipt['details']>, { source: 'facts' }>
const told = (details: Omit<Facts, 'source'>) =>
  beforeTheEnd([bareReceipt('facts', 'complete', { details: { source: 'facts', ...details } })])

const MIB = 1024 ** 2
const leak = { pid: 7, comm: 'leak', unit: 'leak.service', grown: 900 * MIB, memory: 1024 * MIB, killed: true }

t.test('who grew in the ten minutes before, by how much, and what was left', (t) => {
  t.strictSame(told({ available: { from: 1536 * MIB, least: 12 * MIB }, grew: [leak] }), [
    'leak (7) of leak.service by 900MiB to 1GiB, and was killed; of 1.5GiB that were available, 12MiB were left',
  ])
  const many = { unit: 'many.service', grown: 64 * MIB, memory: 65 * MIB, killed: false }
  t.strictSame(told({ grew: [many] }), ['many.service by 64MiB to 65MiB'])
  t.match(told({ grew: [many, many, many, many, many] })[0], /; and 2 more$/)
  t.end()
})

t.test('where nobody grew, there is nothing to say', (t) => {
  t.strictSame(told({ recorded: 1, available: { from: 1, least: 1 } }), [])
  t.strictSame(told({ grew: [] }), [])
  t.strictSame(beforeTheEnd([bareReceipt('stacks', 'complete', {})]), [])
  t.end()
})
