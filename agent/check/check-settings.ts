import { clearance } from '../collector/clearance.ts'
import type { Loaded } from '../settings/layers.ts'
import { formatDuration } from '../settings/units.ts'
import { bad, type Finding, good, note } from './finding.ts'

/** What the settings say and where they are broken. */
export function checkSettings({ settings, layers, problems }: Loaded): readonly Finding[] {
  const used = layers.filter(({ status }) => status === 'used').map(({ path }) => path)
  return [
    ...problems.map(({ message }) => bad('settings', message)),
    good('settings', used.length === 0 ? 'defaults only: no layer sets anything' : `from ${used.join(', ')}`),
    memory(settings.seal),
  ]
}

function memory(seal: Loaded['settings']['seal']): Finding {
  const cleared = clearance('memory', seal)
  switch (cleared.kind) {
    case 'sealed':
      return good('seal', `cores leave sealed to ${cleared.recipients.length} recipient(s)`)
    case 'plain':
      return note('seal', 'cores leave the host UNSEALED: seal.unsealed is "allow"')
    case 'closed':
      return note('seal', `no core will leave: ${cleared.reason}`)
  }
}

/**
 * Whether systemd lets the daemon run until its deadline. `stopMs` is TimeoutStopSec= of lastgasp.service, `marginMs`
 * what comes after the deadline.
 */
export function checkStopTimeout(deadline: number, stopMs: number | undefined, marginMs: number): Finding {
  if (stopMs === undefined)
    return note('deadline', `${formatDuration(deadline)}; no lastgasp.service here to hold it against`)
  if (deadline + marginMs <= stopMs)
    return good('deadline', `${formatDuration(deadline)}, and systemd waits ${formatDuration(stopMs)}`)
  return bad(
    'deadline',
    `${formatDuration(deadline)} will be cut: TimeoutStopSec= of lastgasp.service is ${formatDuration(stopMs)}; bake again, or raise it in a drop-in`,
  )
}
