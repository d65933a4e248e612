import type { InventoryGap, ListedItem, Occasion } from '../words/evidence.ts'
import type { BootTold, Listing } from './answers.ts'
import { type Address, ask, believed, broken, Stop } from './ask.ts'
import type { Watching } from './collector.ts'
import { readBootBefore, readGap, readListedItem, readSession, unreadable } from './read-answers.ts'
import type { Json } from './read-fields.ts'
import type { Request } from './requests.ts'

/** More items than any host has: 10,000 journal files of 16 MiB are 160 GiB. What floods beyond is cut off. */
const MAX_ITEMS = 20_000

/** Opens a session: its name, what all sources have, and of one about the boot before which that is. */
export async function openSession(
  at: Address,
  occasion: Occasion,
  within: number,
  signal: AbortSignal,
): Promise<{ readonly session: string; readonly listing: Listing; readonly before?: BootTold }> {
  const items: ListedItem[] = []
  const gaps: InventoryGap[] = []
  for await (const told of listed(at, { do: 'open', occasion, within }, signal)) {
    if ('ended' in told) {
      const before = believed(readBootBefore, told.ended)
      return { session: believed(readSession, told.ended), listing: { items, gaps }, ...(before && { before }) }
    }
    items.push(...told.items)
    gaps.push(...told.gaps)
  }
  throw broken('it hung up within its list')
}

/** Watches what comes up in a session: asked for once `comesUp` is read. */
export function watch(at: Address, session: string, signal: AbortSignal): Watching {
  const stop = new Stop()
  async function* comesUp(): AsyncGenerator<Listing, void, void> {
    for await (const told of listed(at, { do: 'watch', session }, signal, stop)) {
      if ('ended' in told) return
      yield told
    }
    throw broken('it hung up while it was watched')
  }
  return { comesUp: comesUp(), stop: stop.stop }
}

/** Items and gaps one by one, then the end. What cannot be read costs itself: it is a gap in its place. */
async function* listed(
  at: Address,
  request: Request,
  signal: AbortSignal,
  stop?: Stop,
): AsyncGenerator<Listing | { readonly ended: Json }, void, void> {
  let count = 0
  for await (const answer of ask(at, request, signal, stop)) {
    if (answer.kind === 'end') yield { ended: answer.json }
    else if (answer.kind !== 'item') throw broken(`"${answer.kind}" is no answer to "${request.do}"`)
    else if (++count > MAX_ITEMS) throw broken(`it lists more than ${MAX_ITEMS} items`)
    else yield oneOf(answer.json)
  }
}

function oneOf({ gap, item }: Json): Listing {
  try {
    return gap === undefined ? { items: [readListedItem(item)], gaps: [] } : { items: [], gaps: [readGap(gap)] }
  } catch (error) {
    return { items: [], gaps: [unreadable(gap ?? item, error)] }
  }
}
