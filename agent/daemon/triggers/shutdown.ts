import type { EventEmitter } from 'node:events'
import { aborted } from '../../words/deadline.ts'
import { afterOwn, OwnTime } from '../../words/own-time.ts'
import type { Watch } from './trigger.ts'

/** What the process has heard of SIGTERM, from its first moment on. */
export interface Terms {
  readonly first: AbortSignal
  readonly second: AbortSignal
}

/**
 * What is heard at the collector: that an attendance has `broken` which had come about; that logind has `announced` a shutdown, with which systemd
 * begins within so many ms, or `cancelled` it; whether this daemon is the `second` of its host, and another one attends. And what it is told: to
 * hold applications `anew`.
 */
export type Attendance = EventEmitter<{
  readonly broken: []
  readonly announced: [within: number]
  readonly cancelled: []
  readonly second: [isSecond: boolean]
  readonly anew: []
}>

/**
 * ms between a SIGTERM and the end of the collector by the same broadcast: systemd-shutdown(8) tells all processes in one loop over
 * /proc. In an ordered shutdown the collector stays until we have ended.
 */
const BROADCAST_MS = 200

/**
 * What logind announces, and SIGTERM, whichever comes first: SIGTERM means that the host goes, for nobody stops this unit by hand. A second one, or
 * one by which the collector goes as well, is the final broadcast of `reboot --force` or of the seventh Ctrl-Alt-Del: the host does not wait.
 */
export function shutdown({ first, second }: Terms, attendance: Attendance): Watch {
  return (tell, signal) => {
    const [term, broken] = [new Lately(), new Lately()]
    const judge = () => {
      if (term.heard && broken.heard) tell({ is: 'forced' })
    }
    const onBroken = () => {
      broken.hear()
      judge()
    }
    const onAnnounced = (within: number) => tell({ is: 'due', due: { trigger: 'shutdown', announced: within } })
    const onCancelled = () => tell({ is: 'cancelled' })
    attendance.on('broken', onBroken).on('announced', onAnnounced).on('cancelled', onCancelled)
    const leave = () => attendance.off('broken', onBroken).off('announced', onAnnounced).off('cancelled', onCancelled)
    signal.addEventListener('abort', leave, { once: true })
    void aborted(first).then(() => {
      term.hear()
      tell({ is: 'due', due: { trigger: 'shutdown' } })
      judge()
    })
    void aborted(second).then(() => tell({ is: 'forced' }))
  }
}

/** Whether something was heard within BROADCAST_MS, by the time in which we were run ourselves. */
class Lately {
  #heard = 0

  get heard(): boolean {
    return this.#heard > 0
  }

  hear(): void {
    this.#heard += 1
    const time = new OwnTime()
    afterOwn(BROADCAST_MS, time, () => {
      this.#heard -= 1
      time[Symbol.dispose]()
    })
  }
}
