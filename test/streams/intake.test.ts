import t from 'tap'
import { Intake } from '../../agent/streams/intake.ts'
import { inPieces } from '../frames/streams.ts'

const { signal } = new AbortController()
const bytes = Buffer.from('0123456789abcdef')

t.test('takes the lengths that are asked for', async (t) => {
  for (const size of [1, 3, 5, 16]) {
    await using intake = new Intake(inPieces(bytes, size), signal)
    t.equal((await intake.peek(6)).toString(), '012345')
    t.equal((await intake.take(4)).toString(), '0123')
    t.equal((await intake.peek(2)).toString(), '45')
    t.equal(intake.position, 4)
    t.equal((await intake.take(8)).toString(), '456789ab')
    t.equal(await intake.ended(), false)
    t.ok((await intake.next()).length > 0)
    t.equal((await intake.take(100)).toString().at(-1) ?? 'f', 'f')
    t.equal(await intake.ended(), true)
    t.equal(intake.position, 16)
    t.equal((await intake.peek(1)).length, 0)
    t.equal((await intake.next()).length, 0)
  }
})

t.test('what lies in one buffer is not copied', async (t) => {
  const big = Buffer.alloc(100_000)
  await using intake = new Intake(inPieces(big, big.length), signal)
  t.equal((await intake.take(4)).buffer, big.buffer)
  t.equal((await intake.peek(50_000)).buffer, big.buffer)
  t.equal((await intake.next()).buffer, big.buffer)
})

t.test('disposing stops the source and waits for nobody', async (t) => {
  let stopped = false
  const hanging: AsyncIterable<Buffer> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: () => {
        stopped = true
        return new Promise(() => {})
      },
    }),
  }
  const aborting = new AbortController()
  {
    await using intake = new Intake(hanging, aborting.signal)
    setImmediate(() => aborting.abort(new Error('enough')))
    await t.rejects(intake.take(1), { message: 'enough' })
  }
  t.ok(stopped)
})
