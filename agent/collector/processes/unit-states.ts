import { cannot } from '../../words/cannot.ts'
import { unitList } from '../host/dbus.ts'
import { askManager, managerAt } from '../host/manager.ts'

/** What systemd says of a unit in trouble, of whatever kind: systemd.unit(5), ActiveState. */
export type UnitState = 'failed' | 'deactivating'

/**
 * The units that have failed or are being stopped, as systemd itself says, without a fork. Rejects where
 * systemd is not there or does not answer before the signal aborts: on a host short of memory it may not. `uid` is who asks.
 */
export async function unitStates(
  root: string,
  uid: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, UnitState>> {
  try {
    const units = unitList(await askManager(root, uid, LIST, signal)).filter(({ state }) => isTrouble(state))
    return new Map(units.map(({ name, state }) => [name, state as UnitState]))
  } catch (error) {
    throw cannot(`ask systemd at ${managerAt(root, uid)} for its units`, error)
  }
}

const isTrouble = (state: string) => state === 'failed' || state === 'deactivating'

/** Only failed and stopping units are asked for. */
const LIST = { member: 'ListUnitsFiltered', args: [['failed', 'deactivating']] }
