import { readFile } from 'node:fs/promises'
import { arch, hostname, release } from 'node:os'
import { join } from 'node:path'
import type { Trigger } from '../bundle/evidence.ts'
import { BUNDLE_VERSION, type BundleName, IDENTITY } from '../bundle/keys.ts'
import type { Host, Opening } from '../bundle/schema.ts'
import { PART_BYTES } from '../store/store.ts'

/** All that a capture has to know of its host and its settings before it runs. */
export interface CaptureRequest {
  readonly trigger: Trigger
  /** ms from now until it must have ended */
  readonly deadline: number
  /** ms for which applications may be kept */
  readonly hold: number
  readonly identity: string
  readonly host: Host
  readonly recipients: readonly string[]
  /** What was wrong with the settings, for the manifest. */
  readonly problems: readonly string[]
  /** Version of lastgasp. */
  readonly agent: string
}

/** The opening manifest of a capture that begins now. */
export function openingOf(request: CaptureRequest, { identity, bundle }: BundleName): Opening {
  const now = Date.now()
  return {
    version: BUNDLE_VERSION,
    identity,
    bundle,
    host: request.host,
    trigger: request.trigger,
    started: new Date(now).toISOString(),
    deadline: new Date(now + request.deadline).toISOString(),
    partBytes: PART_BYTES,
    recipients: [...request.recipients],
    agent: request.agent,
  }
}

/** What a host says of itself, read once at start: files below `root`, never a network. */
export async function describeHost(root: string): Promise<Host> {
  const [machineId, bootId, osRelease] = await Promise.all([
    line(root, 'etc/machine-id'),
    line(root, 'proc/sys/kernel/random/boot_id'),
    text(root, 'etc/os-release'),
  ])
  const os = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1]
  return {
    name: hostname(),
    ...(machineId !== undefined && { machineId }),
    ...(bootId !== undefined && { bootId: bootId.replaceAll('-', '') }),
    kernel: release(),
    ...(os !== undefined && { os }),
    arch: arch(),
  }
}

/** An EC2 instance id in the DMI asset tag (Nitro), and what cloud-init wrote down on any cloud. */
const INSTANCE_ID_FILES = [
  'sys/class/dmi/id/board_asset_tag',
  'var/lib/cloud/data/instance-id',
  'run/cloud-init/.instance-id',
]
const EC2_INSTANCE = /^i-[0-9a-f]{8,17}$/

/**
 * What the host is called in keys: the setting, else its instance id, else its machine id, else its name.
 */
export async function identityOf(host: Host, setting: string | undefined, root: string): Promise<string> {
  if (setting !== undefined) return setting
  const [tag, ...cloudInit] = await Promise.all(INSTANCE_ID_FILES.map((file) => line(root, file)))
  const candidates = [
    tag !== undefined && EC2_INSTANCE.test(tag) ? tag : undefined,
    ...cloudInit,
    host.machineId,
    host.name,
  ]
  return candidates.find((candidate) => candidate !== undefined && IDENTITY.test(candidate)) ?? 'unnamed'
}

async function text(root: string, file: string): Promise<string> {
  return readFile(join(root, file), 'utf8').catch(() => '')
}

async function line(root: string, file: string): Promise<string | undefined> {
  return (await text(root, file)).trim() || undefined
}
