import { carriedOver } from '../settings/carry-over.ts'
import type { Loaded } from '../settings/layers.ts'
import { readHealth, readWhy } from '../wall/read-answers.ts'
import type { Request } from '../wall/requests.ts'
import { type Answer, end } from './answer.ts'
import { attend } from './attend.ts'
import { clearance } from './clearance.ts'
import type { HoldLock } from './hold-lock.ts'
import { openSession } from './open-session.ts'
import type { Turns } from './processes/turns.ts'
import { renewSettings } from './renew-settings.ts'
import type { Sessions } from './sessions.ts'
import type { Source } from './sources/source.ts'
import { take } from './take.ts'
import { tellFindings } from './tell-findings.ts'
import { watch } from './watch.ts'
import { askWhy } from './why.ts'

/** What the collector knows while it runs, whatever captures there are. */
export interface Desk {
  readonly root: string
  readonly version: string
  readonly sources: readonly Source[]
  readonly sessions: Sessions
  readonly turns: Turns
  /** undefined: a capture by hand, which holds nobody. */
  readonly hold: HoldLock | undefined
  loaded: Loaded
  readonly reload: (signal: AbortSignal) => Promise<Loaded>
  /** Daemons that attend: while there is one, applications wait for it at shutdown. */
  attending: number
}

/** Answers one request of PROTOCOL.md. Throws what becomes `fail`. */
export async function answerRequest(desk: Desk, request: Request, answer: Answer, signal: AbortSignal): Promise<void> {
  switch (request.do) {
    case 'open':
      return openSession(desk, request, answer, signal)
    case 'take':
      return take(desk, request, answer, signal)
    case 'watch':
      return watch(desk, request, answer, signal)
    case 'findings':
      return tellFindings(desk, request, answer, signal)
    case 'release':
      return answer.send(end({ held: desk.hold?.release() ?? false }))
    case 'attend':
      return attend(desk, answer, signal)
    case 'why':
      return answer.send(end(readWhy({ ...(await askWhy(signal)) })))
    case 'reload':
      desk.loaded = carriedOver(await desk.reload(signal), desk.loaded)
      return answer.send(end())
    case 'health':
      await renewSettings(desk, signal)
      return answer.send(end(readHealth(health(desk))))
  }
}

function health({ version, loaded }: Desk): Parameters<typeof readHealth>[0] {
  const cleared = clearance('memory', loaded.settings.seal)
  const problems = loaded.problems.map(({ message }) => message)
  return { version, problems, ...(cleared.kind === 'closed' && { closed: cleared.reason }) }
}
