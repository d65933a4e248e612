import t from 'tap'
import { scene } from './scene.ts'
import { fails, gives, hangsAfter, scripted } from './scripted-collector.ts'

async function* brokenOff() {
  yield Buffer.alloc(100_000)
  throw new Error('EIO')
}

/** Marked items, of which the host gives all, a part, nothing, or not as much as there is time for. */
const items = () => [
  scripted('cores/whole', gives('w'), { mark: 'whole' }),
  scripted('cores/broken', brokenOff, { mark: 'broken off' }),
  scripted('cores/gone', fails('no such file', 'host'), { mark: 'gone' }),
  scripted('cores/closed', gives('c'), { mark: 'closed', closed: 'no recipient is set' }),
  scripted('cores/unmarked', gives('u')),
]

t.test('what was stored as whole as the host has it need not be taken again', async (t) => {
  const s = scene(...items())
  const { stored } = await s.clock.run(s.begin())
  t.strictSame(stored.toSorted(), ['broken off', 'whole'])
})

t.test('what there was no time for is taken again', async (t) => {
  const s = scene()
  const endless = async function* (stop: AbortSignal) {
    while (!stop.aborted) {
      yield Buffer.alloc(100_000)
      await s.clock.sleep(200)
    }
  }
  s.collector.list = () => ({ items: [scripted('cores/endless', endless, { mark: 'endless' })], gaps: [] })
  t.strictSame((await s.clock.run(s.begin({ deadline: 10_000 }))).stored, [])
})

t.test('after a capture that had all the time that anything is given, nothing is', async (t) => {
  const s = scene(...items())
  const { stored } = await s.clock.run(s.begin({ trigger: 'previous-boot' }))
  t.strictSame(stored.toSorted(), ['broken off', 'closed', 'gone', 'whole'])
})

t.test('unless it was cut short by the end of the host', async (t) => {
  const s = scene(...items(), scripted('cores/hangs', hangsAfter(['h'], true), { mark: 'hangs', patience: 3_600_000 }))
  const hurry = new AbortController()
  s.clock.after(5_000, () => hurry.abort())
  const { stored } = await s.clock.run(s.begin({ trigger: 'previous-boot' }, { hurry: hurry.signal }))
  t.strictSame(stored, ['whole'])
})
