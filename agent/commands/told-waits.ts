import type { Wait } from '../store/store.ts'
import { type Io, say } from './io.ts'

/** With this many ms of silence a person asks himself whether it hangs: below 3 s, with the time until we look. */
const SILENCE_MS = 2_500
const LOOK_MS = 250
/** Between two lines about the same silence, ms. */
const AGAIN_MS = 30_000

/**
 * Tells on standard error what a store (or archive) waits for, as long as it is open; gives one that tells until it is
 * disposed of. For people who wait: a daemon has its log.
 */
export function toldWaits<T extends AsyncDisposable & { waiting?(): Wait | undefined }>(store: T, io: Io): T {
  let due = SILENCE_MS
  const look = setInterval(() => {
    const wait = store.waiting?.()
    if (wait === undefined || wait.ms < SILENCE_MS) due = SILENCE_MS
    else if (wait.ms >= due) {
      due = wait.ms + AGAIN_MS
      void say(io.stderr, [`lastgasp: waiting for ${wait.what}`])
    }
  }, LOOK_MS)
  look.unref()
  return {
    ...store,
    [Symbol.asyncDispose]: async () => {
      clearInterval(look)
      await store[Symbol.asyncDispose]()
    },
  }
}
