import { EventEmitter } from 'node:events'
import t from 'tap'
import { keepAttending } from '../../agent/daemon/stand-by.ts'
import type { Attendance } from '../../agent/daemon/triggers/shutdown.ts'
import { aborted } from '../../agent/words/deadline.ts'
import { TestClock } from '../clock.ts'

/** What a daemon that attends says: `refused` by nobody, `held` and then broken, or `kept` until the end. */
async function attending(...fates: readonly ('refused' | 'held' | 'kept')[]) {
  const clock = new TestClock()
  const [idle, end] = [new AbortController(), new AbortController()]
  const attendance: Attendance = new EventEmitter()
  const told: string[] = []
  attendance.on('broken', () => void told.push(`broken at ${clock.now()}`))
  let nth = 0
  const attend = async (onHeld: () => void, signal: AbortSignal) => {
    const fate = fates[nth++]
    if (nth >= fates.length) idle.abort()
    if (fate !== 'refused') onHeld()
    if (fate === 'kept') {
      setImmediate(() => end.abort())
      await aborted(signal)
    }
    throw new Error(`${fate} at ${clock.now()}`)
  }
  const warn = (line: unknown) => void told.push(String(line).replace(/^.*: /, ''))
  await clock.run(keepAttending({ attend }, attendance, { warn }, idle.signal, end.signal, clock))
  return told
}

t.test('an attendance that came about and ends is a broken one; one that never did is none', async (t) => {
  t.strictSame(await attending('held'), ['held at 0', 'broken at 0'])
  t.strictSame(await attending('refused'), ['refused at 0'])
})

t.test('nothing is broken by our own end', async (t) => {
  const told = await attending('kept')
  t.notOk(
    told.some((line) => line.startsWith('broken')),
    told.join(),
  )
})

t.test('it is tried again, soon after one that had come about, and told once for each', async (t) => {
  t.strictSame(await attending('refused', 'refused', 'refused', 'held', 'refused', 'refused'), [
    'refused at 0',
    'broken at 3500',
    'refused at 3750',
  ])
})
