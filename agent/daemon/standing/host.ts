import { readFile } from 'node:fs/promises'
import { arch, hostname, release, uptime } from 'node:os'
import { join } from 'node:path'
import type { Host } from '../../bundle/schema.ts'
import { abandonable } from '../../words/deadline.ts'
import { parseEnvironmentFile } from './environment-file.ts'
import { readInstance } from './instance.ts'
import { isPlaceholder } from './placeholder.ts'

/** machine-id(5): anything else there is a placeholder, or damaged. */
const MACHINE_ID = /^[0-9a-f]{32}$/i
const HOST_NAME = 'proc/sys/kernel/hostname'

/** What a host says of itself in files below `root`. What cannot be read before `signal` ends is left out. */
export async function describeHost(root: string, signal: AbortSignal): Promise<Host> {
  const [name, machineId, bootId, osRelease, instance] = await Promise.all([
    lineOf(root, HOST_NAME, signal),
    lineOf(root, 'etc/machine-id', signal),
    lineOf(root, 'proc/sys/kernel/random/boot_id', signal),
    textOf(root, 'etc/os-release', signal),
    readInstance(root, signal),
  ])
  const { variables } = parseEnvironmentFile(osRelease)
  const os = variables.get('PRETTY_NAME')
  const image = [variables.get('IMAGE_ID'), variables.get('IMAGE_VERSION')].filter(Boolean).join('_')
  return {
    name: name ?? hostname(),
    ...(machineId !== undefined && MACHINE_ID.test(machineId) && !isPlaceholder(machineId) && { machineId }),
    ...(bootId !== undefined && { bootId: bootId.replaceAll('-', '') }),
    kernel: release(),
    ...(os !== undefined && { os }),
    arch: arch(),
    // As systemd names the files of images: systemd.v(7).
    ...(image !== '' && { image }),
    ...instance,
  }
}

/** ms since the host was started: proc_uptime(5), or our own kernel's clock where that does not answer. */
export async function uptimeOf(root: string): Promise<number> {
  const seconds = Number.parseFloat((await lineOf(root, 'proc/uptime', AbortSignal.timeout(UPTIME_MS))) ?? '')
  return (Number.isFinite(seconds) ? seconds : uptime()) * 1000
}

const UPTIME_MS = 1_000

/** What a small file below `root` says, without the blanks around it; undefined where there is none, or nothing in it. */
export async function lineOf(root: string, file: string, signal: AbortSignal): Promise<string | undefined> {
  return (await textOf(root, file, signal)).trim() || undefined
}

async function textOf(root: string, file: string, signal: AbortSignal): Promise<string> {
  if (signal.aborted) return ''
  return await abandonable(readFile(join(root, file), 'utf8'), signal).catch(() => '')
}
