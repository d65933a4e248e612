/**
 * How the time of a capture is divided. Pure arithmetic in milliseconds.
 */
export interface Budget {
  /** The whole capture. */
  readonly total: number
  /** Until the applications are let go at the latest. */
  readonly live: number
  /** What each source may take to say what it has. */
  readonly inventory: number
  /** Until the store must have taken the opening manifest, or it counts as unreachable. */
  readonly opening: number
  /** Kept at the end for the journal's last words, the closing manifest, the row and the console. */
  readonly reserve: number
}

/** At most: a manifest and a row are two puts; three tries of each against a slow store fit into this. */
const RESERVE_MS = 8_000

/** Stat calls take micro-, not milliseconds: this is for a host with thousands of processes, or one that hardly runs. */
const INVENTORY_MS = 4_000
/** What of a long live phase a source may take to look around, and what of a short one: the rest is for what was found. */
const INVENTORY_SHARE = 0.25
const INVENTORY_MOST = 0.8

/** Divides `total` ms; `hold` is how long applications may be kept. */
export function divide(total: number, hold: number): Budget {
  const reserve = Math.min(RESERVE_MS, total * 0.2)
  const live = Math.min(hold, total * 0.3)
  const inventory = Math.min(Math.max(INVENTORY_MS, live * INVENTORY_SHARE), live * INVENTORY_MOST)
  return { total, live, inventory, opening: total / 3, reserve }
}

/** A guess that is wrong by more than this factor must not cost others their time. */
const SLACK = 4
/** What any artifact may take before its estimate matters: a few retried requests. */
const GROUND_MS = 10_000

/**
 * What one artifact may take of `left` ms when it was estimated at `estimate` and those behind it at `waiting` together:
 * all that they leave, for as long as it makes progress (a hang is caught by STALL_MS); its own guess and some slack in any case.
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

/** No byte from the collector for this long while we are ready to take one: the item hangs. */
export const STALL_MS = 5_000
/** What a stopped item gets to close its frames and its seal before the connection is cut. */
export const CLOSE_MS = 1_500
/** With less than this left an artifact is not begun. */
export const LEAST_MS = 1_000
