import { execFile } from 'node:child_process'
import type { Why } from '../wall/answers.ts'
import { sentence } from '../words/cannot.ts'
import { within } from '../words/deadline.ts'
import { printable } from '../words/printable.ts'
import { BY_LOGIND, KEYS, SHUTDOWN } from './host/journal/message-ids.ts'
import { askJobs } from './host/manager.ts'

/** Both answer within 200 ms; on a host short of memory it took 41 s, and then nobody waits for them. */
const ASK_MS = 5_000

/** Targets by which a host goes down (systemd.special(7)). */
const TARGETS = ['poweroff', 'reboot', 'halt', 'kexec', 'soft-reboot'] as const

/** Which kind of shutdown this is and what asked for it. `uid` is who asks. Never throws: what is not known in time is `unknown`. */
export async function askWhy(root: string, uid: number, signal: AbortSignal): Promise<Why> {
  const limit = within(ASK_MS, signal)
  const [kind, by] = await Promise.all([kindOfShutdown(root, uid, limit), whoAsked(limit)])
  return { kind, ...(by !== undefined && { by }) }
}

async function kindOfShutdown(root: string, uid: number, signal: AbortSignal): Promise<Why['kind']> {
  const jobs = await askJobs(root, uid, signal).catch(() => [])
  return TARGETS.find((target) => jobs.some(({ unit }) => unit === `${target}.target`)) ?? 'unknown'
}

/** The question to journalctl: the last two reasons that logind itself has given, one in a line. */
export const WHO_ASKED = [
  ...['-n', '2', '-o', 'cat', '--no-pager'],
  ...['_UID=0', BY_LOGIND],
  ...[SHUTDOWN, ...KEYS].map((id) => `MESSAGE_ID=${id}`),
] as const

async function whoAsked(signal: AbortSignal): Promise<string | undefined> {
  const lines = await run('journalctl', ['-b', ...WHO_ASKED], signal)
  const said = lines?.split('\n').filter((line) => line.trim() !== '')
  // After a shutdown that was cancelled the same was said before.
  return said === undefined || said.length === 0 ? undefined : printable([...new Set(said)].join('; ')).slice(0, 300)
}

/** A program's standard output, or undefined where it failed, hung or could not be started. */
async function run(program: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const onAbort = () => resolve(undefined)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    execFile(program, args, { signal, killSignal: 'SIGKILL', maxBuffer: 256 * 1024 }, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    )
  } catch (error) {
    // No PIDs left, say: the shutdown is captured without knowing its name.
    process.emitWarning(`cannot start ${program}: ${sentence(error)}`)
    resolve(undefined)
  }
  return promise.finally(() => signal.removeEventListener('abort', onAbort))
}
