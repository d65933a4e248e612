import { within } from '../../words/deadline.ts'
import { HostReads } from '../host/host-reads.ts'
import { ledger } from '../host/ledger.ts'
import { named } from '../host/pods.ts'
import { lackOf, type ProcessSurvey, surveyProcesses } from './host-process.ts'
import { findTrouble, NO_TROUBLE, type TroubleFound } from './trouble.ts'
import { newTurns, type Turns } from './turns.ts'

export interface HostSurvey extends ProcessSurvey, TroubleFound {
  /** What could not be seen of the processes, in a sentence: then nobody can say that there is none of a kind. */
  readonly lack: string | undefined
}

/** What the sources of one capture that look at living processes share. */
export interface Patients extends Turns {
  /** The processes there are, as far as they are seen within the better part of `ms`: one look for all who ask, with the time of the first. */
  survey(ms: number, signal: AbortSignal): Promise<HostSurvey>
}

/** The patients of the host below `root`, for one capture; `turns` are those of all captures. */
export function newPatients(root: string, turns: Turns = newTurns()): Patients {
  let survey: Promise<HostSurvey> | undefined
  return { ...turns, survey: (ms, signal) => (survey ??= takeSurvey(root, ms, signal)) }
}

/** What of its time has gone when a survey ends with what it has seen: who asked must still tell of it, on a host whose timers are late. */
const SURVEYED_BY = 0.7

async function takeSurvey(root: string, ms: number, signal: AbortSignal): Promise<HostSurvey> {
  using reads = new HostReads(root, ledger(), within(ms * SURVEYED_BY, signal))
  const survey = await surveyProcesses(reads, ms)
  signal.throwIfAborted()
  const processes = await named(root, survey.processes, reads.signal)
  const hasUnits = processes.some(({ unit }) => unit !== undefined)
  const trouble = hasUnits ? await findTrouble(reads, processes, ms) : NO_TROUBLE
  return { ...survey, processes, ...trouble, lack: lackOf(survey) }
}
