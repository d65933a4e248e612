import type { Deadline } from '../words/deadline.ts'
import type { Gathered } from './gather.ts'
import type { Pace } from './pace.ts'
import { PART_BYTES } from './part-bytes.ts'

/** How much slower a store may become before what was to fit does not. */
const MARGIN = 1.25
/** Less than this is not worth a request. */
const LEAST_BYTES = 64 * 1024
/** A part that takes longer than this is sent alone: then round trips hardly count, and what lands, lands sooner. */
const ALONE_MS = 2_000

/** The time to send has ended, or will before the rest is stored. Nobody is to blame but the link. */
export class TimeUp extends Error {
  constructor({ rate }: Pace) {
    super(`its time was up${rate === undefined ? '' : `: the store takes ${rateText(rate)}`}`)
    this.name = 'TimeUp'
  }
}

/** Why no more of a stream is sent. */
export function cutBy(pace: Pace): Error {
  return pace.shortfall() ?? new TimeUp(pace)
}

/** A part as it is, or as much of it as can land by `until`, as the last one; undefined where that is not worth it. */
export function fitted(part: Gathered, pace: Pace, until: Deadline): Gathered | undefined {
  const bytes = pace.bytesWithin(until.left() / MARGIN) ?? part.bytes.length
  if (bytes >= part.bytes.length) return part
  return bytes < LEAST_BYTES ? undefined : shortened(part, bytes, pace)
}

/** As `fitted`, for a part before which there is nothing: something of it is tried in any case. */
export function fittedFirst(part: Gathered, pace: Pace, until: Deadline): Gathered {
  return fitted(part, pace, until) ?? shortened(part, Math.min(part.bytes.length, LEAST_BYTES), pace)
}

function shortened(part: Gathered, bytes: number, pace: Pace): Gathered {
  if (bytes === part.bytes.length) return part
  return { ...part, bytes: part.bytes.subarray(0, bytes), last: true, cut: cutBy(pace) }
}

/** Whether a part takes so long that it is sent alone. */
export function sendsAlone({ rate }: Pace): boolean {
  return rate !== undefined && (PART_BYTES * 1000) / rate > ALONE_MS
}

function rateText(rate: number): string {
  return rate < 1_000_000 ? `${Math.ceil(rate / 1000)} kB/s` : `${(rate / 1_000_000).toFixed(1)} MB/s`
}
