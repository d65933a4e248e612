import { abandonable } from '../../words/deadline.ts'
import { HostReads } from '../host/host-reads.ts'
import { ledger } from '../host/ledger.ts'
import { lackOf, type ProcessSurvey, surveyProcesses } from './host-process.ts'
import { findTrouble, type Trouble } from './trouble.ts'

export interface HostSurvey extends ProcessSurvey, Trouble {
  /** What could not be seen of the processes, in a sentence: then nobody can say that there is none of a kind. */
  readonly lack: string | undefined
}

/** What those who look at living processes share. */
export interface Patients {
  /** The processes there are. Who asks within a moment of another gets the same answer. */
  survey(root: string, signal: AbortSignal): Promise<HostSurvey>
  /**
   * Waits until nobody else has the processes to himself; the turn lasts until it is disposed of. A process can be traced by
   * one only, and one that another has stopped looks as if it hung.
   */
  turn(signal: AbortSignal): Promise<Disposable>
}

/** Inventories of one capture are taken side by side. */
const SAME_MS = 500

export function newPatients(): Patients {
  let last: { readonly at: number; readonly root: string; readonly survey: Promise<HostSurvey> } | undefined
  let taken: Promise<void> | undefined
  return {
    survey(root, signal) {
      if (last === undefined || last.root !== root || performance.now() - last.at > SAME_MS)
        last = { at: performance.now(), root, survey: takeSurvey(root, signal) }
      return last.survey
    },
    async turn(signal) {
      while (taken !== undefined) await abandonable(taken, signal)
      signal.throwIfAborted()
      const { promise, resolve } = Promise.withResolvers<void>()
      taken = promise
      return {
        [Symbol.dispose]() {
          if (taken === promise) taken = undefined
          resolve()
        },
      }
    },
  }
}

async function takeSurvey(root: string, signal: AbortSignal): Promise<HostSurvey> {
  using reads = new HostReads(root, ledger(), signal)
  const survey = await surveyProcesses(reads)
  signal.throwIfAborted()
  const { processes } = survey
  const hasUnits = processes.some(({ unit }) => unit !== undefined)
  const trouble = hasUnits ? await findTrouble(reads, processes) : { troubled: new Map<number, string>(), unlearnt: [] }
  return { ...survey, ...trouble, lack: lackOf(survey) }
}
