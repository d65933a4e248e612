import { isStuck, striking } from './stand.ts'
import type { Stood } from './thread-table.ts'

/** Processes of which the note tells; the rest is a number. */
const TOLD = 3

/**
 * What `show` prints of the stacks: which thread matters first, of the processes that hang. `2 of 41 processes stuck: nginx
 * worker 812 in D (nfs_wait), …`. Of one look only: what is blocked at that moment.
 */
export function standNote(stood: readonly Stood[], isTwice: boolean): string {
  const looked = stood.flatMap((one) => {
    const first = striking(one.threads, one.stands)
    return first === undefined ? [] : [{ ...first, process: one.process }]
  })
  const stuck = looked.filter(({ thread, stand }) => (isTwice ? isStuck(stand) : thread.state === 'D'))
  const count = `${stood.length} process${stood.length === 1 ? '' : 'es'}`
  if (stuck.length === 0) return isTwice ? `${count}, none stuck` : count
  const told = stuck.slice(0, TOLD).map(({ process, thread, stand }) => {
    const name = thread.comm === process.comm ? process.comm : `${process.comm} ${thread.comm}`
    const where = thread.wchan === undefined ? '' : ` (${thread.wchan})`
    const how = thread.state === 'D' ? `in D${where}` : stand === 'deadlock?' ? 'in a deadlock?' : 'spinning'
    return `${name} ${thread.tid} ${how}`
  })
  const more = stuck.length > TOLD ? `, and ${stuck.length - TOLD} more` : ''
  return `${stuck.length} of ${count} ${isTwice ? 'stuck' : 'blocked'}: ${told.join(', ')}${more}`
}
