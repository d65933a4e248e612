/** The last hour as the flight recorder has it, as far as rules look at it. */
export interface History {
  /** Memory of units and processes, each a series. */
  readonly memory: readonly Series[]
}

export interface Series {
  readonly unit?: string
  readonly comm?: string
  /** The oldest first. */
  readonly points: readonly Point[]
}

export interface Point {
  /** ms since the epoch */
  readonly at: number
  readonly bytes: number
}

/** Who has grown most before something happened, from what to what and since when. */
export interface Growth {
  readonly unit?: string
  readonly comm?: string
  /** Bytes */
  readonly from: number
  readonly to: number
  /** ms since the epoch */
  readonly since: number
}

/** Growth by less is what services do. */
const LEAST_GROWTH = 16 * 1024 * 1024
/** What somebody gives back on the way is no end of his growth while it is less than this share of it. */
const DIP = 1 / 10

/**
 * Who has grown most by the time `at`: the top of his series, and the last time before it at which he had begun. A leak that gives something back
 * now and then is one growth. Undefined where nobody has grown by much, or there is no history.
 */
export function growthBefore(history: History | undefined, at: number): Growth | undefined {
  const growths = (history?.memory ?? []).flatMap((series) => growthOf(series, at) ?? [])
  const [most] = growths.toSorted((a, b) => b.to - b.from - (a.to - a.from))
  return most !== undefined && most.to - most.from >= LEAST_GROWTH ? most : undefined
}

function growthOf({ points, ...who }: Series, at: number): Growth | undefined {
  const before = points.filter((point) => point.at <= at)
  const top = before.reduce<Point | undefined>(
    (most, point) => (most && most.bytes > point.bytes ? most : point),
    undefined,
  )
  if (top === undefined) return undefined
  let low = top
  for (const point of before.slice(0, before.indexOf(top)).toReversed()) {
    // What lies far above the lowest seen so far is the end of an earlier growth.
    if (point.bytes > low.bytes + (top.bytes - low.bytes) * DIP + LEAST_GROWTH / 4) break
    if (point.bytes < low.bytes) low = point
  }
  return { ...who, from: low.bytes, to: top.bytes, since: low.at }
}
