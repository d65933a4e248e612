import t from 'tap'
import { StoreAtHand } from '../../../agent/daemon/standing/store-at-hand.ts'
import type { Store } from '../../../agent/store/store.ts'

/** A store that closes when it is told to, and what became of it. */
function atHand() {
  const told: string[] = []
  const closing = Promise.withResolvers<void>()
  const dispose = async () => {
    told.push('closing')
    await closing.promise
    told.push('closed')
  }
  const store = { [Symbol.asyncDispose]: dispose } as Partial<Store> as Store
  const kept = new StoreAtHand('key', store, (_, signal) =>
    signal.addEventListener('abort', () => told.push('left to cool')),
  )
  return { kept, told, close: () => closing.resolve() }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test('what is replaced is closed when its last user has gone, and whoever goes last waits for it', async (t) => {
  const { kept, told, close } = atHand()
  const [one, two] = [kept.lease(), kept.lease()]
  await one[Symbol.asyncDispose]()
  await kept.replace()
  t.strictSame(told, ['left to cool'], 'somebody uses it')
  const last = two[Symbol.asyncDispose]().then(() => told.push('its user has gone'))
  await turn()
  t.strictSame(told, ['left to cool', 'closing'])
  close()
  await last
  t.strictSame(told.slice(2), ['closed', 'its user has gone'])
})

t.test('what nobody uses is closed by whoever replaces it', async (t) => {
  const { kept, told, close } = atHand()
  await kept.lease()[Symbol.asyncDispose]()
  t.strictSame(told, [], 'it is at hand')
  const replaced = kept.replace().then(() => told.push('replaced'))
  await turn()
  t.strictSame(told, ['left to cool', 'closing'])
  close()
  await replaced
  t.strictSame(told.slice(2), ['closed', 'replaced'])
})
