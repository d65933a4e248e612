import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { loadSettings } from '../settings/layers.ts'
import { COLLECTOR_SOCKET } from '../wall/wire.ts'
import { version } from '../words/version.ts'
import { Attendants } from './attendants.ts'
import { loadBuildersRules } from './builders-rules.ts'
import { clearance } from './clearance.ts'
import { confine } from './confine.ts'
import type { Desk } from './desk.ts'
import { HoldLock } from './hold-lock.ts'
import { openSystem, type System } from './host/ffi.ts'
import { Announcement, hearLogind } from './host/logind.ts'
import { ownUid } from './host/own-user.ts'
import { newTurns } from './processes/turns.ts'
import { Recorder } from './recorder/recorder.ts'
import { serve } from './serve.ts'
import { Sessions } from './sessions.ts'
import { Intake } from './sources/cores/intake.ts'
import { coresSource } from './sources/cores/source.ts'
import { executablesSource } from './sources/executables/source.ts'
import { factsSource } from './sources/facts/source.ts'
import { filesSource } from './sources/files/source.ts'
import { journalSource } from './sources/journal/source.ts'
import { Varlink } from './sources/journal/varlink.ts'
import { liveSource } from './sources/live/source.ts'
import { memorySource } from './sources/memory/source.ts'
import { pstoreSource } from './sources/pstore/source.ts'
import { stacksSource } from './sources/stacks/source.ts'
import { tracesSource } from './sources/traces/source.ts'

/** What lastgasp-hold.service waits for. */
const HOLD_PATH = '/run/lastgasp/wall/hold'
/** By which the kernel's core handler tells of a crash: units/usr/lib/tmpfiles.d/lastgasp.conf. */
const CRASHES_PATH = '/run/lastgasp/crashes'

/**
 * `lastgasp collector`: reads the host for whoever may open its socket, until the signal aborts. With `--by-hand` it holds
 * no applications and ends with its standard input, so that it never outlives the capture that started it.
 */
export async function runCollector(argv: readonly string[], parent: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      socket: { type: 'string', default: COLLECTOR_SOCKET },
      hold: { type: 'string', default: HOLD_PATH },
      crashes: { type: 'string', default: CRASHES_PATH },
      root: { type: 'string', default: '/' },
      set: { type: 'string', multiple: true, default: [] },
      'by-hand': { type: 'boolean', default: false },
    },
  })
  const { root, set } = values
  const signal = values['by-hand'] ? AbortSignal.any([parent, endOfInput()]) : parent
  const load = (limit: AbortSignal) =>
    loadSettings({ root, credentialsDirectory: process.env.CREDENTIALS_DIRECTORY, set }, limit)
  const system = openSystem()
  using hold = values['by-hand'] ? undefined : new HoldLock(values.hold, system)
  let desk: Desk | undefined
  const recording = () => desk?.loaded.settings.recorder
  // One that was started for a capture has nothing to look back on.
  using recorder = values['by-hand'] ? undefined : new Recorder({ root, settings: recording, say })
  const closed = () => {
    const cleared = desk === undefined ? undefined : clearance('memory', desk.loaded.settings.seal)
    return cleared?.kind === 'closed' ? cleared.reason : undefined
  }
  const places = { root, fifo: values.crashes, directory: dirname(values.hold) }
  const traced = () => desk !== undefined && desk.loaded.settings.traces !== 'none'
  using intake = values['by-hand'] ? undefined : new Intake({ ...places, closed, traced })
  desk = {
    root,
    version: await version(),
    sources: [
      factsSource(recorder),
      stacksSource(system),
      tracesSource(),
      liveSource(system),
      memorySource(),
      executablesSource(),
      journalSource(values['by-hand'] ? undefined : givenJournald()),
      filesSource(system),
      pstoreSource(),
      coresSource(system, intake),
    ],
    sessions: new Sessions(),
    turns: newTurns(),
    hold,
    intake,
    announcement: new Announcement(),
    loaded: await load(signal),
    builders: await loadBuildersRules(root, signal),
    reload: load,
    attendants: new Attendants(),
  }
  // By hand, the command that started us has said already what is wrong with the settings.
  if (!values['by-hand']) settleIn(desk, system, signal)
  recorder?.begin()
  await serve(values.socket, desk, signal)
}

/** What a resident collector does before it serves, and says of it: on standard error, which is the journal. */
function settleIn(desk: Desk, system: System, signal: AbortSignal): void {
  const { loaded, builders, hold, intake, root, announcement } = desk
  for (const { message } of loaded.problems) say(message)
  for (const problem of builders.problems) say(problem)
  const why = confine(system, loaded.settings.live.with === 'gcore' ? 'any' : 'reading')
  if (why !== undefined) say(`its own filter of system calls is missing: ${why}`)
  if (hold?.acquire() === false) say(`${hold.problem}`)
  hold?.release()
  intake?.begin()
  if (intake?.problem !== undefined)
    say(`cores of what crashes while the host goes down are not taken: ${intake.problem}`)
  void hearLogind(announcement, { root, uid: ownUid(), say }, signal)
}

const say = (text: string) => void process.stderr.write(`lastgasp collector: ${text}\n`)

/** The connection to journald that the unit has made of our standard input, as root: we are not, and journald serves root only. */
function givenJournald(): Varlink | undefined {
  if (process.geteuid?.() === 0 || !fstatSync(0).isSocket()) return undefined
  const socket = new Socket({ fd: 0, readable: true, writable: true })
  socket.unref()
  return new Varlink(socket)
}

function endOfInput(): AbortSignal {
  const end = new AbortController()
  process.stdin.resume()
  process.stdin.once('close', () => end.abort(new Error('the capture that started this collector has ended')))
  return end.signal
}
