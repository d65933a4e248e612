import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { LONGEST_MS } from '../../wall/requests.ts'
import { cannot, sentence } from '../../words/cannot.ts'
import { type Clock, systemClock } from '../../words/clock.ts'
import { keepTrying } from '../../words/keep-trying.ts'
import { BUS, Bus, busCall, HELLO, SYSTEM_BUS } from './bus.ts'
import { type Call, flag, texts, variant } from './dbus.ts'
import { ERROR, METHOD_RETURN, type Message, SIGNAL } from './dbus-messages.ts'

/** org.freedesktop.login1(5). */
const LOGIND = 'org.freedesktop.login1'
const PATH = '/org/freedesktop/login1'
const MANAGER = 'org.freedesktop.login1.Manager'
const PROPERTIES = 'org.freedesktop.DBus.Properties'

const OWNER_RULE = `type='signal',sender='${BUS}',interface='${BUS}',member='NameOwnerChanged',arg0='${LOGIND}'`
const SIGNAL_RULE = `type='signal',sender='${LOGIND}',path='${PATH}',interface='${MANAGER}',member='PrepareForShutdown'`

/** What is sent to us is names, a number or a yes: of more than this nothing is kept. */
const BODY_BYTES = 4096
/**
 * How often it is asked who logind is, and that how long it would wait, ms: kubelet raises that once, when it starts. A bus that has not answered
 * by the next time is left.
 */
const ASK_MS = 60_000
/** Tries that fail before it is said: the bus has had a minute to come up. */
const TOLD_AFTER = 7
/** logind's own, where it does not say: logind.conf(5), InhibitDelayMaxSec=. */
const DELAY_MS = 5_000

/** What is known of a shutdown: that it is to come, and in how many ms at the latest systemd begins with it. */
export interface Announced {
  readonly within: number
}

/**
 * What logind has said last: that the host is about to go down, or not. Only the owner of its name is believed, as the bus says who that is: anybody
 * may send a signal straight to our own name.
 */
export class Announcement extends EventEmitter<{ readonly changed: [Announced | undefined] }> {
  /** undefined: nothing of the kind. */
  announced: Announced | undefined

  say(announced: Announced | undefined): void {
    if ((announced === undefined) === (this.announced === undefined)) return
    this.announced = announced
    this.emit('changed', announced)
  }
}

/**
 * Listens on the system bus to what logind says of shutdowns, until the signal aborts. The bus may come up later than we, be started anew, or never
 * come: then it is tried again, ever more calmly. Never rejects. `say` gets a line for the log where it has failed for a while.
 */
export async function hearLogind(
  announcement: Announcement,
  { root, uid, say }: { readonly root: string; readonly uid: number; readonly say: (line: string) => void },
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const attempt = async (failures: number) => {
    const listener = new Listener(announcement)
    try {
      await listener.listen(join(root, SYSTEM_BUS), uid, signal, clock)
    } catch (error) {
      if (failures === TOLD_AFTER && !signal.aborted)
        say(`${cannot('hear logind', sentence(error)).message}: a shutdown is noticed when systemd begins with it`)
    }
    return listener.isIn
  }
  await keepTrying(signal, attempt, clock)
}

/** What an answer is an answer to. */
type Question = 'owner' | 'delay' | 'preparing'

/** One connection to the bus. */
class Listener {
  /** The bus has said who logind is. */
  isIn = false
  readonly #announcement: Announcement
  readonly #asked = new Map<number, Question>()
  #bus: Bus | undefined
  /** The name that the bus has given logind; empty where it does not run. */
  #owner = ''
  #delay = DELAY_MS

  constructor(announcement: Announcement) {
    this.#announcement = announcement
  }

  /** Until it breaks: always rejects. */
  async listen(path: string, uid: number, signal: AbortSignal, clock: Clock): Promise<never> {
    const mute = new AbortController()
    const callOff = clock.every(ASK_MS, () => {
      if (!this.isIn || this.#asked.size > 0) mute.abort(new Error(`the bus has not answered for ${ASK_MS} ms`))
      else this.#ask('owner', OWNER)
    })
    try {
      using bus = await Bus.open(path, uid, BODY_BYTES, AbortSignal.any([signal, mute.signal]))
      this.#bus = bus
      for (const call of [HELLO, busCall('AddMatch', OWNER_RULE), busCall('AddMatch', SIGNAL_RULE)]) bus.call(call)
      this.#ask('owner', OWNER)
      for await (const message of bus.messages()) this.#hear(message)
      throw new Error('it hung up')
    } finally {
      callOff()
    }
  }

  #ask(question: Question, call: Call): void {
    if (this.#bus !== undefined) this.#asked.set(this.#bus.call(call), question)
  }

  #hear(message: Message): void {
    const { type, body } = message
    if (body === undefined) return
    if (type === SIGNAL) this.#hearSignal(message, body)
    else this.#hearAnswer(message, body)
  }

  #hearAnswer({ type, sender, replySerial = 0 }: Message, body: Buffer): void {
    const question = this.#asked.get(replySerial)
    if (question === undefined || (type !== METHOD_RETURN && type !== ERROR)) return
    // The bus answers for a logind that is not there.
    if (sender !== BUS && (question === 'owner' || sender !== this.#owner)) return
    this.#asked.delete(replySerial)
    const isSaid = type === METHOD_RETURN
    if (question === 'owner') this.#isOwnedBy(isSaid ? (texts(body, 1)[0] ?? '') : '')
    else if (isSaid) this.#isTold(question, body)
  }

  #hearSignal({ sender, path, interface: of, member, signature }: Message, body: Buffer): void {
    if (sender === BUS && of === BUS && member === 'NameOwnerChanged' && signature === 'sss') {
      const [name, , owner = ''] = texts(body, 3)
      if (name === LOGIND) this.#isOwnedBy(owner)
    }
    const isLogind = sender !== undefined && sender === this.#owner && path === PATH && of === MANAGER
    if (isLogind && member === 'PrepareForShutdown' && signature === 'b') this.#prepares(flag(body))
  }

  /** One that was started anew knows of no shutdown that the one before it has announced: it is asked. */
  #isOwnedBy(owner: string): void {
    this.isIn = true
    this.#owner = owner
    if (owner === '') return
    this.#ask('delay', propertyCall('InhibitDelayMaxUSec'))
    this.#ask('preparing', propertyCall('PreparingForShutdown'))
  }

  #isTold(question: 'delay' | 'preparing', body: Buffer): void {
    const { type, value } = variant(body)
    if (question === 'delay' && type === 't')
      this.#delay = Math.min(LONGEST_MS, Number(value.readBigUInt64LE(0) / MICROSECONDS))
    if (question === 'preparing' && type === 'b') this.#prepares(flag(value))
  }

  #prepares(yes: boolean): void {
    this.#announcement.say(yes ? { within: this.#delay } : undefined)
  }
}

const OWNER = busCall('GetNameOwner', LOGIND)
/** In a millisecond. */
const MICROSECONDS = 1000n

function propertyCall(name: string): Call {
  const of = { path: PATH, interface: PROPERTIES, destination: LOGIND }
  return { ...of, member: 'Get', args: [MANAGER, name], onlyIfThere: true }
}
