import type { StuckThread } from '../../../words/details.ts'
import { isStuck, striking } from './stand.ts'
import type { Stood } from './thread-table.ts'

/**
 * Of the processes that hang, the thread of each that matters first. Of one look only: what is blocked at that moment.
 */
export function stuckThreads(stood: readonly Stood[], isTwice: boolean): readonly StuckThread[] {
  return stood.flatMap(({ process: { pid, comm, unit }, threads, stands }) => {
    const first = striking(threads, stands)
    if (first === undefined) return []
    const { thread, stand } = first
    const { tid, state, wchan, call } = thread
    const blocked = state === 'D'
    if (!(isTwice ? isStuck(stand) : blocked)) return []
    const where = { ...(unit && { unit }), ...(wchan && { wchan }), ...(call && { call: call.name }) }
    return [{ pid, comm, tid, name: thread.comm, stand, blocked, ...where }]
  })
}
