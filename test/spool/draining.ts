// A process that drains, to be killed: `draining.ts STATE BUCKET`. The store takes its time, and loses an answer now and then.
import { setTimeout as sleep } from 'node:timers/promises'
import { drain } from '../../agent/spool/drain.ts'
import { placeIn } from '../../agent/spool/place.ts'
import { directoryStore } from '../../agent/store/directory/store.ts'
import { type Store, StoreError } from '../../agent/store/store.ts'

const [state = '', bucket = ''] = process.argv.slice(2)
const inner = directoryStore(bucket)
const never = new AbortController().signal

async function slowly<T>(work: () => Promise<T>): Promise<T> {
  await sleep(Math.random() * 12)
  const done = await work()
  await sleep(Math.random() * 12)
  if (Math.random() < 0.1) throw new StoreError('transient', 'the answer is lost', { doubtful: true })
  return done
}

const store: Store = {
  ...inner,
  url: 's3://bucket',
  put: (key, body, signal) => slowly(() => inner.put(key, body, signal)),
  begin: async (key, signal) => {
    const upload = await slowly(() => inner.begin(key, signal))
    return {
      key,
      part: (number, body, signal) => slowly(() => upload.part(number, body, signal)),
      complete: (signal) => slowly(() => upload.complete(signal)),
    }
  },
}

process.send?.('begins')
for (;;) {
  try {
    const { left } = await drain(placeIn(state), store, {}, never)
    process.exit(left === 0 ? 0 : 1)
  } catch (error) {
    if ((error as Error).name !== 'Unanswered') throw error
  }
}
