import { basename } from 'node:path'
import { clearance } from '../collector/clearance.ts'
import { checkLayer } from '../settings/check.ts'
import { readLayer } from '../settings/files.ts'
import type { Layer, Loaded } from '../settings/layers.ts'
import { countOf } from '../words/count-of.ts'
import { formatDuration } from '../words/units.ts'
import { bad, good, note, type Remark } from './remark.ts'

/** What the settings say and where they are broken. */
export async function checkSettings(
  { settings, layers, problems }: Pick<Loaded, 'settings' | 'layers' | 'problems'>,
  signal: AbortSignal,
): Promise<readonly Remark[]> {
  const used = layers.filter(({ status }) => status === 'used').map(({ path }) => path)
  return [
    ...problems.map(({ message }) => bad('settings', message)),
    good('settings', used.length === 0 ? 'defaults only: no layer sets anything' : `from ${used.join(', ')}`),
    memory(settings.seal),
    text(settings.seal),
    ...(await maskedRecipients(layers, signal)),
  ]
}

/** A file of the same name replaces all of another, the recipients in it too: seldom what was meant. */
async function maskedRecipients(layers: readonly Layer[], signal: AbortSignal): Promise<readonly Remark[]> {
  const masked = layers.filter(({ status }) => status === 'masked')
  const remarks = masked.map(async ({ path }) => {
    const text = await readLayer(path, signal).catch(() => '')
    const seal = checkLayer(text).table.seal as { recipients?: unknown } | undefined
    if (seal?.recipients === undefined) return []
    const by = layers.findLast((layer) => layer.status !== 'masked' && basename(layer.path) === basename(path))
    const instead = `${by?.path} has the same name and stands in its place; rename one of them to have both`
    return [note('seal', `seal.recipients of ${path} is not in force: ${instead}`)]
  })
  return (await Promise.all(remarks)).flat()
}

function memory(seal: Loaded['settings']['seal']): Remark {
  const cleared = clearance('memory', seal)
  switch (cleared.kind) {
    case 'sealed':
      return good('seal', `cores leave sealed to ${countOf(cleared.recipients.length, 'recipient')}`)
    case 'plain':
      return note('seal', 'cores leave the host UNSEALED: seal.unsealed is "allow"')
    case 'closed':
      return note('seal', `no core will leave: ${cleared.reason}`)
  }
}

/** Facts, journal and log files: everything that was logged, and nobody but their author knows what that is. */
function text(seal: Loaded['settings']['seal']): Remark {
  const cleared = clearance('text', seal)
  switch (cleared.kind) {
    case 'sealed':
      return good('seal', 'facts, journal and log files leave sealed')
    case 'plain':
      return note(
        'seal',
        'facts, traces, journal and files that are named leave as they are, UNSEALED: no recipient is set',
      )
    case 'closed':
      return bad('seal', `no facts, no journal and no files will leave: ${cleared.reason}`)
  }
}

/**
 * Whether systemd lets the daemon run until its deadline. `stopMs` is TimeoutStopSec= of lastgasp.service, `marginMs`
 * what comes after the deadline.
 */
export function checkStopTimeout(deadline: number, stopMs: number | undefined, marginMs: number): Remark {
  if (stopMs === undefined)
    return note('deadline', `${formatDuration(deadline)}; no lastgasp.service here to hold it against`)
  if (deadline + marginMs <= stopMs)
    return good('deadline', `${formatDuration(deadline)}, and systemd waits ${formatDuration(stopMs)}`)
  return bad(
    'deadline',
    `${formatDuration(deadline)} will be cut: TimeoutStopSec= of lastgasp.service is ${formatDuration(stopMs)}; bake again, or raise it in a drop-in`,
  )
}
