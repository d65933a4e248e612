import type { CaptureRequest } from '../../capture/request.ts'
import type { Loaded } from '../../settings/layers.ts'
import type { Settings } from '../../settings/schema.ts'
import { openStore } from '../../store/open.ts'
import type { Store } from '../../store/store.ts'
import type { DescriptorReserve } from '../../streams/reserve.ts'
import { sentence } from '../../words/cannot.ts'
import { version } from '../../words/version.ts'
import { Overlay } from './environment.ts'
import { problemsOf, type ReadFrom, type Reading, readStanding } from './reading.ts'

/** All that can be done before a capture is asked for. */
export interface Prepared {
  /** Settings, and what the host is beside them. */
  readonly loaded: Loaded
  readonly reading: Reading
  readonly request: Omit<CaptureRequest, 'trigger'>
  /** Where the bundle goes; an Error that says why there is nowhere. */
  readonly store: Store | Error
}

/**
 * What systemd gives us to stop, by the bake step's drop-in, in ms: a deadline beyond it would be cut by SIGKILL.
 * Half a second of it is for the console line and Node's own end.
 */
const STOP_ENV = 'LASTGASP_STOP_MS'
export const STOP_MARGIN_MS = 500

/**
 * Reads settings and host once, and opens the store, for a command: its own environment goes before that of the host's file.
 * Rejects only when the signal aborts: what is wrong is in the answer.
 */
export async function prepare(from: ReadFrom, signal: AbortSignal): Promise<Prepared> {
  const reading = await readStanding(from, signal)
  const unset = [...(reading.environment.variables ?? [])].filter(([name]) => process.env[name] === undefined)
  new Overlay(process.env).lay(new Map(unset))
  return {
    loaded: reading.loaded,
    reading,
    request: requestOf(reading, await version()),
    store: await storeOf(reading.loaded.settings, signal),
  }
}

/** What a capture has to know, from what was read. `agent` is lastgasp's version. */
export function requestOf(reading: Reading, agent: string): Prepared['request'] {
  const { settings } = reading.loaded
  return {
    deadline: clamped(settings.deadline, process.env[STOP_ENV]),
    limit: settings.bundle.limit,
    hold: settings.hold.wait,
    identity: reading.identity.name,
    host: reading.host,
    labels: settings.labels,
    recipients: settings.seal.recipients,
    problems: problemsOf(reading),
    agent,
  }
}

/** The deadline that can be kept: `stop` is what the unit allows, where it says so. */
export function clamped(deadline: number, stop: string | undefined): number {
  const allowed = Number(stop)
  return allowed > STOP_MARGIN_MS ? Math.min(deadline, allowed - STOP_MARGIN_MS) : deadline
}

/** Opens the store that settings name. An Error says why there is none. */
export async function storeOf(
  { store, s3 }: Settings,
  signal: AbortSignal,
  reserve?: DescriptorReserve,
): Promise<Store | Error> {
  if (store === undefined)
    return new Error(
      'no store is set: name one, e.g. store = "s3://bucket/prefix" in /etc/lastgasp/config.d/50-store.toml',
    )
  try {
    return await openStore(store, { ...s3, ...(reserve && { reserve }) }, signal)
  } catch (error) {
    return error instanceof Error ? error : new Error(sentence(error))
  }
}
