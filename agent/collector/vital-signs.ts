import type { BuildersRule } from '../findings/builders/rules.ts'
import type { Evidence, Hang, Who } from '../findings/evidence.ts'
import type { Unseen } from '../findings/seen.ts'
import { abandonable, within } from '../words/deadline.ts'
import { plainName, plainPath } from '../words/plain.ts'
import { textsOf } from './builders-rules.ts'
import { isAbsent } from './host/absent.ts'
import { HostReads } from './host/host-reads.ts'
import { ledger } from './host/ledger.ts'
import { ownUid } from './host/own-user.ts'
import { thisBootId } from './host/this-boot.ts'
import type { HungThread } from './processes/hangs.ts'
import type { HostProcess } from './processes/host-process.ts'
import type { HostSurvey } from './processes/patients.ts'
import { unitStates } from './processes/unit-states.ts'
import type { Session } from './sessions.ts'
import { hostLimits } from './witnesses/host-limits.ts'
import { LINES_WITHIN_MS, logLines } from './witnesses/log-lines.ts'
import type { Vitals } from './witnesses/look-around.ts'

/** Of its time, what the survey of all processes may take where nobody has made one yet. */
const SURVEY_SHARE = 3 / 4

/** ms for the files that the builder's rules look at. */
const TEXTS_MS = 250

/** What a host suffers from at the moment: who hangs, what has run out, which units have failed, what its services say. */
export async function vitalSigns(
  root: string,
  { patients, began }: Pick<Session, 'patients' | 'began'>,
  rules: readonly BuildersRule[],
  ms: number,
  signal: AbortSignal,
): Promise<Vitals> {
  using reads = new HostReads(root, ledger(), signal)
  const [survey, limits, lines, texts] = await Promise.all([
    abandonable(patients.survey(ms * SURVEY_SHARE, signal), signal).catch(() => undefined),
    hostLimits(reads),
    thisBootId(root, signal)
      .then((bootId) => abandonable(logLines(root, bootId, began - LINES_WITHIN_MS, signal), signal))
      .catch(() => []),
    textsOf(root, rules, within(TEXTS_MS, signal)),
  ])
  const { unseen, ...used } = limits
  const failed = survey === undefined ? [] : (survey.failed ?? (await failedUnits(root, signal)))
  const surveyed: readonly Unseen[] =
    survey === undefined
      ? [{ place: 'the processes', why: 'could not be looked at in time' }]
      : unseenOf(survey, failed)
  const evidence: Partial<Evidence> = {
    ...used,
    lines,
    texts,
    failed: failed ?? [],
    ...(survey !== undefined && ofSurvey(survey)),
  }
  return { evidence, unseen: [...unseen, ...surveyed], rules }
}

/** A host under load may not have answered the survey in time; one without systemd has no units that could have failed. */
async function failedUnits(root: string, signal: AbortSignal): Promise<readonly string[] | undefined> {
  try {
    const states = await unitStates(root, ownUid(), signal)
    return [...states].flatMap(([unit, state]) => (state === 'failed' ? [unit] : []))
  } catch (error) {
    return isAbsent(error) ? [] : undefined
  }
}

function unseenOf({ lack, unlooked }: HostSurvey, failed: readonly string[] | undefined): readonly Unseen[] {
  return [
    ...(lack === undefined && unlooked === 0
      ? []
      : [{ place: 'the processes', why: 'could not all be looked at' } as const]),
    ...(failed === undefined ? [{ place: 'systemd', why: 'did not say which units have failed' } as const] : []),
  ]
}

function ofSurvey({ hangs, tables, groups }: HostSurvey): Partial<Evidence> {
  return {
    hangs: hangs.map(hangOf),
    descriptors: tables.map(({ process, used, most }) => ({ who: whoOf(process), used, most })),
    groups: groups.map(({ unit, used, most, refused }) => ({ who: { unit }, used, most, refused })),
  }
}

function hangOf(hang: HungThread): Hang {
  const { process, ...rest } = hang
  return { ...rest, who: whoOf(process) }
}

function whoOf({ pid, comm, exe, unit, container, pod, namespace, containerName }: HostProcess): Who {
  const path = plainPath(exe?.replace(/ \(deleted\)$/, ''))
  return {
    ...{ pid, comm: plainName(comm) },
    ...(path !== undefined && { exe: path }),
    ...(unit !== undefined && { unit }),
    ...(container !== undefined && { container }),
    ...(pod !== undefined && { pod }),
    ...(namespace !== undefined && { namespace }),
    ...(containerName !== undefined && { containerName }),
  }
}
