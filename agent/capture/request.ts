import { BUNDLE_VERSION, type BundleName } from '../bundle/keys.ts'
import type { About, Host, Opening } from '../bundle/schema.ts'
import { PART_BYTES } from '../store/part-bytes.ts'
import type { Before, Trigger } from '../words/evidence.ts'
import { isoTime, NO_TIME } from '../words/instant.ts'

/** All that a capture has to know of its host and its settings before it runs. */
export interface CaptureRequest {
  readonly trigger: Trigger
  /** What it is about, where that is the boot before; and what is remembered of that, if anything. */
  readonly about?: About
  readonly before?: Before
  /** ms since it was asked for, by the trigger */
  readonly ago?: number
  /** ms from now until it must have ended */
  readonly deadline: number
  /** ms from now at which it can still be running, where its deadline may be moved on the way */
  readonly latest?: number
  /** Bytes that the bundle may take of the store, its documents not counted; undefined: as many as there are. */
  readonly limit?: number
  /** ms for which applications may be kept */
  readonly hold: number
  readonly identity: string
  readonly host: Host
  /** What the settings say of the host. */
  readonly labels: Readonly<Record<string, string>>
  readonly recipients: readonly string[]
  /** What was wrong with the settings, for the manifest. */
  readonly problems: readonly string[]
  /** Version of lastgasp. */
  readonly agent: string
}

/** The opening manifest of a bundle that is begun now, by a capture that has run for `elapsed` ms. */
export function openingOf(request: CaptureRequest, { identity, bundle }: BundleName, elapsed: number): Opening {
  const now = Date.now()
  return {
    version: BUNDLE_VERSION,
    identity,
    bundle,
    host: request.host,
    trigger: request.trigger,
    ...(request.about !== undefined && { about: request.about }),
    ...(Object.keys(request.labels).length > 0 && { labels: request.labels }),
    requested: isoTime(now - elapsed - (request.ago ?? 0)) ?? NO_TIME,
    started: isoTime(now) ?? NO_TIME,
    deadline: isoTime(now + (request.latest ?? request.deadline)) ?? NO_TIME,
    partBytes: PART_BYTES,
    recipients: [...request.recipients],
    agent: request.agent,
  }
}
