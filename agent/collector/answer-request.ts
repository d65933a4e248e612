import { readHealth, readStopping, readWhy } from '../wall/read-answers.ts'
import type { Request } from '../wall/requests.ts'
import { type Answer, end } from './answer.ts'
import { attend } from './attend.ts'
import { clearance } from './clearance.ts'
import type { Desk } from './desk.ts'
import { ownUid } from './host/own-user.ts'
import { openSession } from './open-session.ts'
import { heed, renewSettings } from './renew-settings.ts'
import { askStopping } from './stopping.ts'
import { take } from './take.ts'
import { tellFindings } from './tell-findings.ts'
import { watch } from './watch.ts'
import { askWhy } from './why.ts'

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
      return answer.send(end(readWhy({ ...(await askWhy(desk.root, ownUid(), signal)) })))
    case 'stopping':
      return answer.send(end(readStopping({ ...(await askStopping(desk.root, ownUid(), signal)) })))
    case 'reload':
      heed(await desk.reload(signal), desk)
      return answer.send(end())
    case 'health':
      await renewSettings(desk, signal)
      return answer.send(end(readHealth(health(desk))))
  }
}

function health({ version, loaded, builders, intake }: Desk): Parameters<typeof readHealth>[0] {
  const cleared = clearance('memory', loaded.settings.seal)
  const problems = [...loaded.problems.map(({ message }) => message), ...builders.problems]
  const unarmed = intake?.problem
  return {
    ...{ version, problems, ...(cleared.kind === 'closed' && { closed: cleared.reason }) },
    ...(unarmed !== undefined && { unarmed }),
  }
}
