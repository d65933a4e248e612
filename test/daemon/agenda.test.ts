import t from 'tap'
import { Agenda } from '../../agent/daemon/agenda.ts'
import type { Due } from '../../agent/daemon/triggers/trigger.ts'

/** An agenda whose captures end when they are told to: `end(0)` for the first. Tells what happened, in order. */
function agendaOf() {
  const told: string[] = []
  const ends: (() => void)[] = []
  const begin = ({ trigger }: Due) => {
    told.push(`${trigger} began`)
    const { promise, resolve } = Promise.withResolvers<void>()
    ends.push(resolve)
    return {
      ended: promise,
      rearm: ({ trigger, until }: Due) => void told.push(`${trigger} has until ${until}`),
      hurry: () => void told.push(`${trigger} hurries`),
      cancel: () => void told.push(`${trigger} is cancelled`),
    }
  }
  const agenda = new Agenda({ begin, hold: () => void told.push('held anew'), rest: () => void told.push('at rest') })
  void agenda.over.then(() => told.push('over'))
  const due = (trigger: Due['trigger']) => agenda.tell({ is: 'due', due: { trigger } })
  const end = async (nth: number) => {
    ends[nth]?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { agenda, told, due, end }
}

t.test('a shutdown begins at once, whatever runs, and nobody waits for what it left', async (t) => {
  const { told, due, end } = agendaOf()
  due('previous-boot')
  due('shutdown')
  t.strictSame(told, ['previous-boot began', 'previous-boot hurries', 'shutdown began'])
  await end(0)
  t.equal(told.length, 3, 'the end of what was left ends nothing')
  await end(1)
  t.equal(told.at(-1), 'over')
})

t.test('what is forced hurries, once', async (t) => {
  const { agenda, told, due, end } = agendaOf()
  due('shutdown')
  agenda.tell({ is: 'forced' })
  agenda.tell({ is: 'forced' })
  t.strictSame(told, ['shutdown began', 'shutdown hurries'])
  await end(0)
  t.equal(told.at(-1), 'over')
})

t.test('the daemon lives on after what is no shutdown, and takes its turn with what is due', async (t) => {
  const { told, due, end } = agendaOf()
  due('notice')
  due('previous-boot')
  t.strictSame(told, ['notice began'])
  await end(0)
  await end(1)
  due('notice')
  t.strictSame(told, ['notice began', 'previous-boot began', 'notice began'])
})

t.test('a word on what is under way gives it another deadline', async (t) => {
  const { agenda, told, due } = agendaOf()
  due('notice')
  agenda.tell({ is: 'due', due: { trigger: 'notice', until: 7 } })
  t.strictSame(told, ['notice began', 'notice has until 7'])
})

t.test('one that was cancelled is closed, the next one is begun whatever becomes of it', async (t) => {
  const { agenda, told, end } = agendaOf()
  const announced = () => agenda.tell({ is: 'due', due: { trigger: 'shutdown', announced: 5 } })
  announced()
  agenda.tell({ is: 'cancelled' })
  t.strictSame(told.splice(0), ['shutdown began', 'shutdown is cancelled', 'held anew'])
  await end(0)
  t.strictSame(told.splice(0), ['at rest'])
  announced()
  agenda.tell({ is: 'cancelled' })
  announced()
  await end(1)
  const both = ['shutdown began', 'shutdown is cancelled', 'held anew', 'shutdown hurries', 'shutdown began']
  t.strictSame(told.splice(0), both)
  await end(2)
  t.strictSame(told, [], 'it waits until systemd begins')
  agenda.tell({ is: 'due', due: { trigger: 'shutdown' } })
  await end(2)
  t.strictSame(told, ['over'])
})
