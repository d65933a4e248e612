import { isEmpty } from '../spool/drain.ts'
import { spoolRoom } from '../spool/keeper.ts'
import { placeIn } from '../spool/place.ts'
import { sentence } from '../words/cannot.ts'
import { within } from '../words/deadline.ts'
import { formatBytes } from '../words/units.ts'
import { good, note, type Remark } from './remark.ts'

/** statfs and a few names: a disk that takes longer hangs. */
const DISK_MS = 5_000

/** Whether something can be kept while the store is out of reach, how much, and whether something lies there. */
export async function checkSpool(state: string, most: number, parent: AbortSignal): Promise<readonly Remark[]> {
  const signal = within(DISK_MS, parent)
  const place = placeIn(state)
  try {
    const room = await spoolRoom(place, most, signal)
    const waits = (await isEmpty(place, signal)) ? '' : '; something that was kept there waits to be sent'
    return [good('spool', `${formatBytes(room)} fit below ${state} while the store is out of reach${waits}`)]
  } catch (error) {
    return [note('spool', `nothing is kept while the store is out of reach: ${sentence(error)}`)]
  }
}
