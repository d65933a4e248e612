/**
 * How the time of a capture is divided. Pure arithmetic in milliseconds. Every bound scales with the whole: a host that has more
 * time is given more patience.
 */
export interface Budget {
  /** The whole capture. */
  readonly total: number
  /** Until the applications are let go at the latest. */
  readonly live: number
  /** What each source may take to say what it has: at first, so that what answers at once is taken at once. */
  readonly look: number
  /** The same for those that did not say it then, asked once more. */
  readonly secondLook: number
  /** Until the store must have taken the opening manifest, or it counts as unreachable. */
  readonly opening: number
  /** Silence of the store after which what comes is kept on the disk: applications may wait for live evidence meanwhile. */
  readonly reach: number
  /** What each of those who tell of deaths may take. */
  readonly witnesses: number
  /** When all else is done, the answer to which shutdown it is is waited for until so long after the question. */
  readonly why: number
  /** No byte from the collector for this long while we are ready to take one: the item hangs. */
  readonly stall: number
  /** What a stopped item gets to close its frames and its seal before the connection is cut. */
  readonly close: number
  /**
   * Before what gave nothing is tried again, one pause for each time: at once, when applications have been let go and have given back
   * what they held; when a service that died has been started anew; when a storm has passed.
   */
  readonly pauses: readonly number[]
  /** When so much is left, a capture does not stay open any longer for what may still crash: the last that crashed is still to be sent. */
  readonly window: number
  /** Kept at the end: when so much is left, whatever is being read is told to end. */
  readonly reserve: number
  /** When so much of it is left, the sending of what was taken by then ends. */
  readonly sending: number
  /** The same for what came up in the last look, which is small and comes last. */
  readonly lastSending: number
  /** When so much of it is left, what has landed of uploads is an object: the rest belongs to the closing manifest alone. */
  readonly landing: number
  /** What the last look may take where there is no time but the reserve. */
  readonly lastLook: number
}

/** At most, unless there is much more time: a manifest and a row are two puts; three tries of each against a slow store fit into this. */
const RESERVE_MS = 8_000
/** Of a deadline so long that the host must be slow, and of one so short that there is little to keep. */
const RESERVE_SHARE = { slow: 0.05, most: 0.2 }
/** Two thirds more than `slow` gives of ten minutes: nobody closes a manifest for longer. */
const RESERVE_MOST_MS = 30_000

/** Of all time, at the end of a window: a slow host needs more than the reserve for a last look, a last core, the manifest and the row. */
const WINDOW_SHARE = 1 / 6

/** Of the reserve: half until what was stopped is sent, a quarter until it is an object, a quarter for the manifest; what came last is sent in between. */
const SENDING_SHARE = 1 / 2
const LAST_SENDING_SHARE = 3 / 8
const LANDING_SHARE = 1 / 4
const LAST_LOOK_SHARE = 1 / 4

/** Of all time, for applications that wait: what is stored can be taken without them. */
const LIVE_SHARE = 0.3
/** Stat calls take micro-, not milliseconds: this is for a host with thousands of processes. */
const LOOK_MS = 2_000
/** What of a long live phase the sources may take to look around, and what of a short one: the rest is for what was found. */
const LOOK_SHARE = 0.2
const LOOK_MOST = 0.4
/** The second look is for a host that hardly runs: twice the first, within the same phase. */
const SECOND_LOOKS = 2
const OPENING_SHARE = 1 / 3
/** The same after applications were let go: what they give back, memory and descriptors, may be what was missing. */
const RELEASED_SHARE = 1 / 6
/** Of a third, half: then the opening is still written, to the disk. Of a short live phase half, so that some of it is left for what lives. */
const REACH_SHARE = 1 / 6
const REACH_LIVE_SHARE = 1 / 2
/** A lost SYN is sent again after 1 s (RFC 6298). */
const REACH_LEAST_MS = 2_500

/** 30 on a healthy host, for a log of 256 KiB and ten small reads of each journal file. */
const WITNESSES_MS = 4_000
const WITNESSES_SHARE = 1 / 20
/** One question to systemd. A host short of memory took 41 s to answer it, and the manifest is worth more. */
const WHY_MS = 4_000
const WHY_SHARE = 1 / 20

/** A disk that sleeps or retries is silent for so long. */
const STALL_MS = 5_000
const STALL_SHARE = { slow: 1 / 18, most: 1 / 4 }
const STALL_MOST_MS = 60_000
const CLOSE_MS = 1_500
const CLOSE_SHARE = 1 / 60

/** A service is started anew within a second. */
const PAUSE_SHARE = 1 / 90
const PAUSE_MOST_MS = 3_000
/** The pauses, as multiples of that second. */
const PAUSES = [0, 1, 4] as const

/** Divides `total` ms; `hold` is how long applications may be kept. */
export function divide(total: number, hold: number): Budget {
  const slow = Math.min(Math.max(RESERVE_MS, total * RESERVE_SHARE.slow), RESERVE_MOST_MS)
  const reserve = Math.min(slow, total * RESERVE_SHARE.most)
  const live = Math.min(hold, total * LIVE_SHARE)
  const look = Math.min(Math.max(LOOK_MS, live * LOOK_SHARE), live * LOOK_MOST)
  const stall = Math.min(Math.max(STALL_MS, total * STALL_SHARE.slow), STALL_MOST_MS)
  return {
    total,
    live,
    look,
    secondLook: Math.min(look * SECOND_LOOKS, live - look),
    opening: Math.max(total * OPENING_SHARE, live + total * RELEASED_SHARE),
    reach: Math.min(total * REACH_SHARE, Math.max(REACH_LEAST_MS, live * REACH_LIVE_SHARE)),
    witnesses: Math.max(WITNESSES_MS, total * WITNESSES_SHARE),
    why: Math.max(WHY_MS, total * WHY_SHARE),
    stall: Math.min(stall, total * STALL_SHARE.most),
    pauses: PAUSES.map((times) => times * Math.min(total * PAUSE_SHARE, PAUSE_MOST_MS)),
    close: Math.min(Math.max(CLOSE_MS, total * CLOSE_SHARE), reserve * LAST_SENDING_SHARE),
    window: Math.max(reserve, total * WINDOW_SHARE),
    reserve,
    sending: reserve * SENDING_SHARE,
    lastSending: reserve * LAST_SENDING_SHARE,
    landing: reserve * LANDING_SHARE,
    lastLook: reserve * LAST_LOOK_SHARE,
  }
}

/** ms that there are for artifacts. */
export interface Room {
  /** For what is taken while applications wait. */
  readonly live: number
  /** For all. */
  readonly all: number
  /** Bytes that may still be stored; undefined where nobody limits them. */
  readonly bytes?: number
}

/** The room that there is at the beginning: `divide` leaves more than `live` before the reserve. */
export function roomOf({ total, live, reserve }: Budget): Room {
  return { live, all: total - reserve }
}

/** A guess that is wrong by more than this factor must not cost others their time. */
const SLACK = 4
/** What any artifact may take before its estimate matters: a few retried requests. */
const GROUND_MS = 10_000

/**
 * What one artifact may take of `left` ms when it was estimated at `estimate` and those behind it at `waiting` together:
 * all that they leave, for as long as it makes progress (a hang is caught by `stall`); its own guess and some slack in any case.
 */
export function artifactBudget(estimate: number, left: number, waiting: number): number {
  return Math.max(0, Math.min(left, Math.max(estimate * SLACK + GROUND_MS, left - waiting * 2)))
}

/** What was stopped closes its frames and its seal, and its last part is sent. */
const TAIL_MS = 4_000

/**
 * What the sending of an artifact may take whose item is told to end after `budget` ms, when all sending ends in `left` ms. Over a
 * slow link what it has given by then is megabytes: for these, half of what is left for others then.
 */
export function sendingBudget(budget: number, left: number): number {
  return Math.min(left, budget + Math.max(TAIL_MS, (left - budget) / 2))
}

/**
 * What the last look may take when `left` ms are left. A slow host that has more than the reserve is given some of it, as long as a disk may be
 * silent; what is found is still to be sent.
 */
export function lastLookBudget({ lastLook, stall, reserve, lastSending }: Budget, left: number): number {
  return Math.min(Math.max(lastLook, Math.min(stall, left - reserve)), left - lastSending)
}

/** With less than this left an artifact is not begun. */
export const LEAST_MS = 1_000

/** What a capture that is cut short may still take, in ms from then. */
export interface Closing {
  /** Until what was being read has closed its frames and is sent. */
  readonly sending: number
  /** Until what has landed is an object. */
  readonly landing: number
  readonly end: number
}

/**
 * A host that is forced down gives two seconds at most; the process's own end is a signal to itself. Most of it is for the manifest, without which
 * the rest is hard to find.
 */
export const FORCED_WITHIN: Closing = { sending: 150, landing: 400, end: 1_900 }

/** A host that does not go after all is in no hurry, and may be shut down again: what is under way is sent, nothing new is read. */
export const CANCELLED_WITHIN: Closing = { sending: 10_000, landing: 12_000, end: 20_000 }

/** Silence that ended the first try is waited out so many times as long by the second. */
export const SECOND_PATIENCE = 2
