import { EventEmitter } from 'node:events'
import { parseArgs } from 'node:util'
import { type Logger, pino } from 'pino'
import { placeIn } from '../spool/place.ts'
import { DescriptorReserve } from '../streams/reserve.ts'
import { collectorAt } from '../wall/client.ts'
import { COLLECTOR_SOCKET } from '../wall/wire.ts'
import { abandonable, aborted, within } from '../words/deadline.ts'
import { Agenda, type Underway } from './agenda.ts'
import { type Around, Gasp } from './gasp.ts'
import { keepDraining } from './keep-draining.ts'
import { Memory } from './remembered/memory.ts'
import { keepAttending } from './stand-by.ts'
import { describeHost, uptimeOf } from './standing/host.ts'
import { Idle } from './standing/idle.ts'
import { keepStanding } from './standing/keep-standing.ts'
import { storeOf } from './standing/prepare.ts'
import { readStanding } from './standing/reading.ts'
import { Standing } from './standing/standing.ts'
import { standingFiles } from './standing/watch.ts'
import { STATE } from './state.ts'
import { previousBoot } from './triggers/previous-boot.ts'
import { reloadOnHangup } from './triggers/reload.ts'
import { type Attendance, shutdown, type Terms } from './triggers/shutdown.ts'
import type { Due, Watch } from './triggers/trigger.ts'

/**
 * `lastgasp daemon`: waits, with everything loaded, for what its triggers say, and captures; when the host goes (`terms`: SIGTERM,
 * by systemd) it says one line on standard output (the console) and ends. What changes meanwhile is noticed.
 */
export async function runDaemon(argv: readonly string[], terms: Terms, parent: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      socket: { type: 'string', default: COLLECTOR_SOCKET },
      root: { type: 'string', default: '/' },
      set: { type: 'string', multiple: true, default: [] },
      state: { type: 'string', default: STATE },
    },
  })
  const log = pino({ base: null, timestamp: false }, pino.destination({ dest: 2, sync: true }))
  const reserve = new DescriptorReserve(DESCRIPTORS)
  const collector = collectorAt(values.socket, reserve)
  const idle = new Idle()
  const read = (limit: AbortSignal) => reserve.lend(() => readStanding(values, limit))
  const standing = Standing.begin(read, log, idle, (settings, limit) => storeOf(settings, limit, reserve))
  const spool = placeIn(values.state)
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  const memory = remember(values.root, values.state, log)
  const remembers: NonNullable<Around['memory']> = {
    begun: (trigger, bundle) => void memory.then((kept) => kept.begun(trigger, bundle)),
    ended: (trigger, captured) => void memory.then((kept) => kept.ended(trigger, captured)),
  }
  const attendance: Attendance = new EventEmitter()
  let isSecond = false
  attendance.on('second', (now) => {
    isSecond = now
  })
  const agenda = new Agenda({
    begin: (due: Due) => {
      if (isSecond) return standAside(log)
      log.info(BECAUSE[due.trigger])
      if (due.trigger === 'shutdown') idle.end()
      // A host that lives on has nobody at its console.
      const tell = due.trigger === 'previous-boot' ? (line: string) => log.info(line) : say
      return new Gasp(due, { standing, collector, say: tell, memory: remembers, spool }, parent)
    },
    hold: () => {
      log.info('the host does not go down after all')
      attendance.emit('anew')
    },
    rest: () => {
      idle.begin()
      void standing.then((stands) => stands.renew())
    },
  })
  const triggers: readonly Watch[] = [shutdown(terms, attendance)]
  for (const watch of triggers) watch((word) => agenda.tell(word), parent)
  const back = previousBoot({ collector, memory, uptime: () => uptimeOf(values.root), log })
  void idle.during(async (now) => back((word) => agenda.tell(word), now), parent)
  void idle.during((now) => keepAttending(collector, attendance, log, now, parent), parent)
  void standing.then((stands) => {
    reloadOnHangup(stands, collector, log, idle)
    void idle.during((now) => keepDraining(spool, stands, log, now), parent)
    return idle.during((now) => keepStanding(stands, collector, standingFiles(values.root), now), parent)
  })
  await Promise.race([agenda.over, aborted(parent)])
  if (parent.aborted) return
  const left = memory.then((kept) => kept.leave())
  await abandonable(left, within(LEAVE_MS, parent)).catch(() => {})
  endNow()
}

/** ms for a read and a write at start, and for the last write: only a disk that hangs takes longer. */
const RECALL_MS = 10_000
const LEAVE_MS = 2_000

async function remember(root: string, directory: string, log: Logger): Promise<Memory> {
  const limit = AbortSignal.timeout(RECALL_MS)
  const { machineId, bootId } = await describeHost(root, limit)
  return await Memory.recall(directory, { machine: machineId, boot: bootId }, (problem) => log.warn(problem), limit)
}

/**
 * Held from the start for a host that has none left, where nobody spares us (ENFILE spares CAP_SYS_ADMIN, which the collector has):
 * eight requests to the collector at once, and the parts that are on their way to the store, with a name to resolve.
 */
const DESCRIPTORS = 32

/** In place of a capture, where another daemon of this host makes it. */
function standAside(log: Logger): Underway {
  log.warn('another daemon of this host captures it')
  return { ended: Promise.resolve(), rearm: () => {}, hurry: () => {}, cancel: () => {} }
}

const BECAUSE: Readonly<Record<Due['trigger'], string>> = {
  shutdown: 'the host goes down: capturing',
  notice: 'the host will go: capturing',
  'previous-boot': 'the boot before left something: capturing',
}

/**
 * Ends by the signal that was sent, at once: an exit would wait for the pool's threads, and one may hang in a dead resolver.
 * systemd takes SIGTERM for a clean end.
 */
function endNow(): void {
  process.removeAllListeners('SIGTERM')
  process.kill(process.pid, 'SIGTERM')
}
