import t from 'tap'
import { collectorAt } from '../../agent/wall/client.ts'
import type { ItemIdentity } from '../../agent/words/evidence.ts'
import { bytesOf } from '../frames/streams.ts'
import { lent } from '../streams/poisoned.ts'
import { chunks, collectorOf, item, source } from './synthetic.ts'

t.test('what is known of an item may be longer than a message, and costs it nothing', async (t) => {
  const long = '中'.repeat(5_000)
  const thread = {
    pid: 1,
    comm: long,
    unit: long,
    tid: 1,
    name: long,
    stand: 'still',
    blocked: false,
    call: long,
  } as const
  const identity: ItemIdentity = {
    ...{ path: long, exe: long, unit: long, package: long, note: long },
    details: { source: 'stacks', processes: 1, threads: Array(16).fill(thread) },
  }
  const known = item('cores/a', () => chunks('content'), {
    open: async () => ({
      chunks: lent(chunks('content')),
      outcome: () => ({ identity }),
      [Symbol.asyncDispose]: async () => {},
    }),
  })
  const { socket } = await collectorOf(t, [source('cores', [known])])
  const signal = AbortSignal.timeout(30_000)
  const session = await collectorAt(socket).open({ trigger: 'manual', boot: 'this' }, 4000, signal)
  const taking = session.take('cores:cores/a', 1000, signal)
  t.equal((await bytesOf(taking.stored)).toString(), 'content')
  const { bytesIn, identity: told } = await taking.taken
  t.equal(bytesIn, 7)
  t.match(told, { note: /^cannot send "end" over the wall: it has \d+ bytes/ })
})
