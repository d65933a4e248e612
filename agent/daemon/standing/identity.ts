import type { Host } from '../../bundle/schema.ts'
import { IDENTITY } from '../../words/identity.ts'
import { lineOf } from './host.ts'
import { isPlaceholder } from './placeholder.ts'

/** What a host is called in keys. */
export interface Identity {
  readonly name: string
  /** Why it may not be the only one with this name. */
  readonly problem?: string
}

/** Of a Nitro instance on EC2, in the DMI asset tag (EC2 User Guide, "Identify EC2 instances"). */
const ASSET_TAG = 'sys/class/dmi/id/board_asset_tag'
const EC2_INSTANCE = /^i-[0-9a-f]{8,17}$/
/** What cloud-init has found out in this boot (its paths.runpath), and what it found out last, maybe on the image's builder. */
const THIS_BOOT = 'run/cloud-init/.instance-id'
const LAST = 'var/lib/cloud/data/instance-id'
/** Files that say who the host is, below its root. */
export const IDENTITY_FILES = [ASSET_TAG, THIS_BOOT, LAST, 'etc/machine-id'] as const

/** What a host is called that nobody has named. */
const UNNAMED = /^localhost(\.localdomain)?$/i

/**
 * What the host is called in keys: the setting, else its instance id, else its machine id; placeholders are neither. One that
 * has none of these gets its name, or an id of this boot alone, and a problem that says so.
 */
export async function identityOf(
  host: Host,
  setting: string | undefined,
  root: string,
  signal: AbortSignal,
): Promise<Identity> {
  if (setting !== undefined) return { name: setting }
  const [tag, thisBoot, last] = await Promise.all(
    [ASSET_TAG, THIS_BOOT, LAST].map((file) => lineOf(root, file, signal)),
  )
  const instance = tag !== undefined && EC2_INSTANCE.test(tag) ? tag : (thisBoot ?? last)
  if (instance !== undefined && IDENTITY.test(instance) && !isPlaceholder(instance)) return { name: instance }
  return host.machineId === undefined ? stopgap(host) : { name: host.machineId }
}

function stopgap({ name, bootId }: Host): Identity {
  const lack = 'this host has neither an instance id nor a machine id'
  const advice = 'set identity, or let systemd write /etc/machine-id'
  if (IDENTITY.test(name) && !UNNAMED.test(name) && !isPlaceholder(name))
    return { name, problem: `${lack}: its bundles go by its name, ${name}, which others may have too: ${advice}` }
  if (bootId !== undefined)
    return { name: `boot-${bootId}`, problem: `${lack}, nor a name: its bundles go by the id of this boot: ${advice}` }
  return { name: 'unnamed', problem: `${lack}, nor a name: its bundles lie with those of all such hosts: ${advice}` }
}
