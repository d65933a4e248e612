import { sentence } from '../cannot.ts'
import { keepRecipients, type Loaded, loadSettings } from '../settings/layers.ts'
import { openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { version } from '../version.ts'
import { type CaptureRequest, describeHost, identityOf } from './request.ts'

/** Where a capture finds its host and its settings. */
export interface PrepareFrom {
  readonly root: string
  readonly set: readonly string[]
  /** What was read before, when it is read again. */
  readonly before?: Loaded
}

/** All that can be done before a capture is asked for. */
export interface Prepared {
  readonly loaded: Loaded
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

/** Reads settings and host, opens the store. Rejects only when the signal aborts: what is wrong is in the answer. */
export async function prepare({ root, set, before }: PrepareFrom, signal: AbortSignal): Promise<Prepared> {
  const credentialsDirectory = process.env.CREDENTIALS_DIRECTORY
  const now = await loadSettings({ root, credentialsDirectory, set }, signal)
  const loaded = before === undefined ? now : keepRecipients(before, now)
  const { settings } = loaded
  const host = await describeHost(root)
  return {
    loaded,
    request: {
      deadline: clamped(settings.deadline, process.env[STOP_ENV]),
      hold: settings.hold.wait,
      identity: await identityOf(host, settings.identity, root),
      host,
      recipients: settings.seal.recipients,
      problems: loaded.problems.map(({ message }) => message),
      agent: await version(),
    },
    store: await opened(loaded, signal),
  }
}

/** The deadline that can be kept: `stop` is what the unit allows, where it says so. */
export function clamped(deadline: number, stop: string | undefined): number {
  const allowed = Number(stop)
  return allowed > STOP_MARGIN_MS ? Math.min(deadline, allowed - STOP_MARGIN_MS) : deadline
}

async function opened({ settings }: Loaded, signal: AbortSignal): Promise<Store | Error> {
  if (settings.store === undefined)
    return new Error(
      'no store is set: name one, e.g. store = "s3://bucket/prefix" in /etc/lastgasp/config.d/50-store.toml',
    )
  try {
    return await openStore(settings.store, settings.s3, signal)
  } catch (error) {
    return error instanceof Error ? error : new Error(sentence(error))
  }
}
