import { Refusal } from '../wall/refusal.ts'
import type { RequestTo } from '../wall/requests.ts'
import { abandonable } from '../words/deadline.ts'
import { type Answer, end } from './answer.ts'
import type { Desk } from './desk.ts'
import type { Session } from './sessions.ts'
import { failedLook, inPods, tell } from './tell.ts'

/** ms: what a source may take for a look at what has come up, which is little. */
const LOOK_MS = 4_000

/** Tells of what comes up in a session until the daemon says stop; then of what there is to say last, and ends. */
export async function watch(
  desk: Desk,
  { session: id }: RequestTo<'watch'>,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  using held = desk.sessions.use(id)
  const { session } = held
  if (session.isWatched) throw new Refusal('collector', 'cannot watch: this session is watched already')
  session.isWatched = true
  try {
    await Promise.all(session.sources.map((source) => follow(desk.root, session, source, answer, signal)))
    await answer.send(end())
  } finally {
    session.isWatched = false
  }
}

/** One source's part of it. What fails or hangs in it becomes a gap. */
async function follow(
  root: string,
  session: Session,
  { name, look }: Session['sources'][number],
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  if (look.comesUp === undefined) return
  const late = new AbortController()
  const limit = AbortSignal.any([late.signal, signal])
  const looks = look.comesUp(LOOK_MS, answer.stop, limit)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await soonAfter(answer.stop, late, () => abandonable(looks.next(), limit))
      if (step.done === true) return
      await tell(session, name, await inPods(root, step.value, limit), answer)
    }
  } catch (error) {
    signal.throwIfAborted()
    await tell(session, name, failedLook(name, `see what comes up of ${name}`, error, late.signal.aborted), answer)
  } finally {
    // What hangs in it goes on alone.
    void Promise.resolve(looks.return?.()).catch(() => {})
  }
}

/** What takes as long as it likes until `stop` aborts, and then LOOK_MS: what takes longer is `late`. */
async function soonAfter<T>(stop: AbortSignal, late: AbortController, go: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const onStop = () => {
    timer = setTimeout(() => late.abort(new Error(`it took longer than ${LOOK_MS} ms`)), LOOK_MS)
  }
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop, { once: true })
  try {
    return await go()
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', onStop)
  }
}
