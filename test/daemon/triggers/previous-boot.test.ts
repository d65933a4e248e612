import t from 'tap'
import type { Life } from '../../../agent/daemon/remembered/remembered.ts'
import { previousBoot } from '../../../agent/daemon/triggers/previous-boot.ts'
import type { Due, Word } from '../../../agent/daemon/triggers/trigger.ts'
import type { BootTold } from '../../../agent/wall/answers.ts'
import type { Session } from '../../../agent/wall/collector.ts'
import type { ListedItem, Occasion } from '../../../agent/words/evidence.ts'
import { never } from '../../capture/scene.ts'
import { scripted } from '../../capture/scripted-collector.ts'
import { TestClock } from '../../clock.ts'

const ID = '2'.repeat(32)
const captured: Life = { id: ID, captured: true, bundle: '20261130T030000Z-0123456789abcdef' }
const core = scripted('cores/a')

interface Host {
  readonly owes?: 'yes' | 'no' | 'unknown'
  readonly before?: Life
  readonly items?: readonly ListedItem[]
  readonly found?: BootTold
  /** ms since it was started. */
  readonly uptime?: number
  /** How often the collector does not answer. */
  readonly deaf?: number
  /** What comes of each capture: whether its manifest was stored. */
  readonly ends?: readonly boolean[]
}

/** What a daemon does in its first hour on such a host. */
async function hour(host: Host, signal = never) {
  const clock = new TestClock()
  const { before, owes = before === undefined ? 'unknown' : 'yes', items = [], uptime = 0, ends = [true] } = host
  const [dues, at, occasions, logged]: [Due[], number[], Occasion[], string[]] = [[], [], [], []]
  let [deaf, dealt] = [host.deaf ?? 0, 0]
  const open = async (occasion: Occasion) => {
    occasions.push(occasion)
    at.push(clock.now())
    if (deaf-- > 0) throw new Error('it does not answer')
    return { listing: { items, gaps: [] }, before: host.found ?? { id: ID, journal: 'closed' } } as unknown as Session
  }
  const told = before && { id: before.id, captured: before.captured, stored: ['00000000000000aa'] }
  const memory = { owes, before, told, dealtWith: () => void dealt++ }
  const log = { info: (text: string) => logged.push(text), warn: (text: string) => logged.push(text) }
  const tell = (word: Word) => {
    if (word.is !== 'due') throw new Error(word.is)
    const isStored = ends[dues.push(word.due) - 1] ?? false
    clock.after(1_000, () => word.due.onEnd?.(isStored))
  }
  previousBoot({
    collector: { open },
    memory: Promise.resolve(memory),
    uptime: async () => uptime,
    log: log as never,
    clock,
  })(tell, signal)
  await clock.run(clock.sleep(3_600_000))
  return { dues, at, occasions, logged, dealt }
}

t.test('a boot that was captured and has left nothing is none of anybody’s business', async (t) => {
  const { dues, occasions, at, dealt } = await hour({ before: captured })
  t.same([dues, dealt], [[], 1])
  t.same(occasions, [
    { trigger: 'previous-boot', boot: 'previous', before: { id: ID, captured: true, stored: ['00000000000000aa'] } },
  ])
  t.ok((at[0] ?? 0) >= 5_000, 'not in the way of the boot')
})

t.test('what makes a bundle of it', async (t) => {
  const about = { bootId: ID, bundle: captured.bundle }
  const hosts: readonly (readonly [string, Host])[] = [
    ['its end was not captured', { before: { ...captured, captured: false } }],
    ['it went without a word', { before: captured, found: { id: ID, journal: 'cut' } }],
    ['it has left 1 file', { before: captured, items: [core] }],
    ['it has left 1 file', { before: captured, items: [scripted('pstore/a', undefined, { source: 'pstore' })] }],
  ]
  for (const [why, host] of hosts) {
    const { dues, logged, dealt } = await hour(host)
    t.match(dues, [{ trigger: 'previous-boot', about, before: { id: ID } }])
    t.same([dues.length, dealt, logged], [1, 0, [`of the boot before: ${why}`]])
  }
  const journal = scripted('journal/a', undefined, { source: 'journal' })
  t.same((await hour({ before: captured, items: [journal] })).dues, [], 'every boot has a journal')
  const closed = { ...core, closed: 'no recipient is set' }
  t.same((await hour({ before: captured, items: [closed] })).dues, [], 'what stays here would do so at every boot')
})

t.test(
  'where nothing is remembered, what the host itself tells counts, and only soon after it was started',
  async (t) => {
    const found = { id: ID, journal: 'cut' } as const
    t.match((await hour({ found })).dues, [{ about: { bootId: ID }, before: undefined }])
    t.match((await hour({ items: [core], found: { journal: 'none' } })).dues, [{ about: {} }])
    t.same((await hour({ found: { id: ID, journal: 'closed' } })).dues, [])
    const late = await hour({ found, uptime: 11 * 60_000 })
    t.same([late.dues, late.occasions], [[], []])
    const restarted = await hour({ owes: 'no', found })
    t.same([restarted.dues, restarted.occasions], [[], []])
    t.equal((await hour({ before: { id: ID, captured: false }, uptime: 11 * 60_000 })).dues.length, 1)
  },
)

t.test('tried again until it is stored, ever more slowly', async (t) => {
  const before = { ...captured, captured: false }
  const { dues, at } = await hour({ before, ends: [false, false, false, true] })
  t.equal(dues.length, 4)
  const gaps = at.slice(1).map((time, n) => time - (at[n] ?? 0))
  t.ok((gaps[1] ?? 0) > (gaps[0] ?? 0) && (gaps[2] ?? 0) > (gaps[1] ?? 0), gaps.join(' '))
  const deaf = await hour({ before, deaf: 3 })
  t.same([deaf.dues.length, deaf.logged.length], [1, 2], 'that it does not answer is said once')
  t.equal((await hour({ before, deaf: 1 })).logged.length, 2, 'and at once')
  const never = await hour({ before, ends: [] })
  t.ok(never.dues.length > 4 && never.dues.length < 20, `${never.dues.length}`)
})

t.test('who is told that the host goes looks back no more', async (t) => {
  t.same((await hour({ before: { ...captured, captured: false } }, AbortSignal.abort())).dues, [])
})
