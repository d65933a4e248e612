import { EventEmitter } from 'node:events'
import t from 'tap'
import { keepAttending } from '../../agent/daemon/stand-by.ts'
import type { Attendance } from '../../agent/daemon/triggers/shutdown.ts'
import type { Attended } from '../../agent/wall/answers.ts'
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
  const attend = async (hear: (told: Attended) => void, signal: AbortSignal) => {
    const fate = fates[nth++]
    if (nth >= fates.length) idle.abort()
    if (fate !== 'refused') hear({ held: true })
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

t.test(
  'what logind says goes on; one that is begun anew is not broken, also while nothing is kept at hand',
  async (t) => {
    const [idle, end] = [new AbortController(), new AbortController()]
    const attendance: Attendance = new EventEmitter()
    const told: string[] = []
    attendance.on('announced', (within) => void told.push(`announced ${within}`))
    attendance.on('cancelled', () => void told.push('cancelled'))
    attendance.on('broken', () => void told.push('broken'))
    let nth = 0
    const attend = async (hear: (told: Attended) => void, signal: AbortSignal) => {
      nth++
      told.push(`attends, time ${nth}`)
      hear({ held: true })
      if (nth === 1) {
        hear({ shutdown: 'announced', within: 7 })
        idle.abort()
        hear({ shutdown: 'cancelled' })
        setImmediate(() => attendance.emit('anew'))
      } else setImmediate(() => end.abort())
      await aborted(signal)
      throw signal.reason
    }
    const warn = () => void told.push('warned')
    await keepAttending({ attend }, attendance, { warn }, idle.signal, end.signal)
    t.strictSame(told, ['attends, time 1', 'announced 7', 'cancelled', 'attends, time 2'])
    t.equal(attendance.listenerCount('anew'), 0)
  },
)
