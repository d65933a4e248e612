import type { Fingerprinted } from '../../../words/details.ts'
import type { ItemIdentity } from '../../../words/evidence.ts'
import { isoSecond } from '../../../words/instant.ts'
import { printable } from '../../../words/printable.ts'
import type { UnwoundProcess } from '../../kept-stacks/unwind-process.ts'
import { fingerprintOf, plainFrames } from './fingerprint.ts'
import { endText, frameText } from './frame-text.ts'
import type { PlainFrame } from './own-function.ts'
import { Files, stackJson, VERSION } from './process-json.ts'

/** What a crash's stacks are told by: what systemd-coredump logged of it, or what was unwound here. */
export type Crash = {
  readonly label: string
  /** Path of its core on the host, where it lies there. */
  readonly core?: string
  readonly identity: ItemIdentity
} & ({ readonly logged: string } | { readonly unwound: UnwoundProcess })

/** Lines of what was logged: as many frames as systemd-coredump tells of, and a line for each thread. */
const LINES = 2_048
const LINE = 1_000
/** Threads of one stack that are named; the JSON has all. */
const NAMED = 8

/** A crash's stacks as a person reads them. */
export function crashText(crash: Crash): string {
  const { comm, pid, at, signal, unit, exe } = crash.identity
  const who = `${comm ?? 'a process'}${pid === undefined ? '' : ` ${pid}`} crashed`
  const head = [who, signal === undefined ? '' : `signal ${signal}`, isoSecond(at), unit, exe]
    .filter(Boolean)
    .join('  ')
  const core = crash.core === undefined ? [] : [printable(`core: ${crash.core}`)]
  if ('logged' in crash) {
    const lines = crash.logged
      .split('\n')
      .slice(0, LINES)
      .map((line) => printable(line.slice(0, LINE)))
    return `${[printable(head), ...core, 'as systemd-coredump logged it:', '', ...lines].join('\n').trimEnd()}\n`
  }
  const { stacks, missed } = crash.unwound
  const lacking = missed.map((sentence) => `missing: ${sentence}`)
  const each = stacks.map(({ tids, frames, end }, index) => {
    const ended = endText(end)
    const title = `${tids.length === 1 ? 'thread' : `${tids.length} threads:`} ${tids.slice(0, NAMED).join(', ')}${tids.length > NAMED ? ', …' : ''}`
    return [index === 0 ? `${title}  (crashed)` : title, ...frames.map(frameText), ...(ended ? [ended] : [])].join('\n')
  })
  return `${[[printable(head), ...core, ...lacking.map(printable)].join('\n'), ...each].join('\n\n')}\n`
}

/** The same for programs: TRACES.md. */
export function crashJson(crash: Crash): string {
  const { comm, pid, signal, exe, unit } = crash.identity
  const of = { version: VERSION, crashed: true, pid, comm, unit, exe, signal, core: crash.core }
  if ('logged' in crash)
    return `${JSON.stringify({ ...of, by: 'systemd-coredump', stacks: loggedStacks(crash.logged) })}\n`
  const files = new Files()
  const { stacks, missed } = crash.unwound
  const threads = stacks.flatMap(({ tids }, stack) => tids.map((tid) => ({ tid, stack })))
  const told = stacks.map((stack) => stackJson(stack, files))
  return `${JSON.stringify({ ...of, by: 'lastgasp', threads, stacks: told, modules: files.told, missed })}\n`
}

/** `#0  0x00007f2a4c0891f5 raise (libc.so.6 + 0x891f5)`: systemd's src/shared/elf-util.c. */
const FRAME = /^\s*#\d+\s+0x([0-9a-f]{1,16}) (\S+) \((.+?)(?: \+ 0x([0-9a-f]{1,16}))?\)$/
const THREAD = /^Stack trace of thread (\d{1,10}):/

interface LoggedFrame {
  readonly pc: string
  readonly module?: string
  readonly address?: string
  readonly function?: string
}

function loggedStacks(text: string): readonly { readonly tid: number; readonly frames: readonly LoggedFrame[] }[] {
  const stacks: { tid: number; frames: LoggedFrame[] }[] = []
  for (const line of text.split('\n').slice(0, LINES)) {
    const tid = THREAD.exec(line)?.[1]
    if (tid !== undefined) stacks.push({ tid: Number(tid), frames: [] })
    const [, pc, name, module, address] = FRAME.exec(line.slice(0, LINE)) ?? []
    if (pc === undefined) continue
    stacks.at(-1)?.frames.push({
      pc: `0x${pc.replace(/^0+(?=.)/, '')}`,
      ...(module !== 'n/a' && { module }),
      ...(address !== undefined && { address: `0x${address}` }),
      ...(name !== 'n/a' && { function: name }),
    })
  }
  return stacks
}

/** What the crash has in common with those like it. */
export function crashFingerprint(crash: Crash): readonly Fingerprinted[] {
  const fingerprint = fingerprintOf([crashedFrames(crash)])
  const { pid, at } = crash.identity
  const known = { ...(pid !== undefined && { pid }), ...(at !== undefined && { at }) }
  const path = crash.core === undefined ? {} : { path: crash.core }
  return fingerprint === undefined ? [] : [{ of: 'crash', ...path, ...known, fingerprint }]
}

/** The frames of the thread that crashed, which both tell first. */
function crashedFrames(crash: Crash): readonly PlainFrame[] {
  if ('unwound' in crash) return plainFrames(crash.unwound.stacks[0]?.frames ?? [])
  const [first] = loggedStacks(crash.logged)
  return (first?.frames ?? []).map(({ address, ...frame }) => ({
    ...frame,
    ...(address !== undefined && { offset: Number(address) }),
  }))
}
