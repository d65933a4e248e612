import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../../bundle/schema.ts'
import { abandonable } from '../../words/deadline.ts'
import { isPlaceholder } from './placeholder.ts'

/** What cloud-init has been told by the cloud in this boot, without what only root may read (cloud-init: "Instance metadata"). */
const INSTANCE_DATA = 'run/cloud-init/instance-data.json'
/** With vendor's and user's configuration some 100 KB. */
const MOST_BYTES = 1024 * 1024
/** What clouds call things is shorter, and of letters, digits and signs. */
const NAME = /^[\x21-\x7e]{1,128}$/

type Path = readonly string[]

/**
 * Where it stands, by cloud (cloudinit/sources): keys are as the cloud has them, with `-` or, on some releases, `_`. EC2 tells its instance's
 * tags where that is allowed (InstanceMetadataTags); Azure is `imds`, OpenStack `ec2_metadata`.
 */
const META: Path = ['ds', 'meta_data']
const COMPUTE: Path = [...META, 'imds', 'compute']
const PLACES: Readonly<Record<keyof Instance, readonly Path[]>> = {
  zone: [
    ['v1', 'availability_zone'],
    [...META, 'placement', 'availability_zone'],
  ],
  instanceType: [
    [...META, 'instance_type'],
    [...COMPUTE, 'vmSize'],
    ['ds', 'ec2_metadata', 'instance_type'],
  ],
  group: [
    [...META, 'tags', 'instance', 'aws:autoscaling:groupName'],
    [...COMPUTE, 'vmScaleSetName'],
  ],
}

export type Instance = Pick<Host, 'zone' | 'instanceType' | 'group'>

/** Where a cloud runs the host below `root`, as what and in which group, as far as cloud-init knows. Nothing of what cannot be read before `signal` ends. */
export async function readInstance(root: string, signal: AbortSignal): Promise<Instance> {
  if (signal.aborted) return {}
  const text = await abandonable(beginningOf(join(root, INSTANCE_DATA)), signal).catch(() => '')
  const data = parsed(text)
  const told = Object.entries(PLACES).flatMap(([name, paths]) => {
    const value = paths.map((path) => valueAt(data, path)).find((one) => NAME.test(one) && !isPlaceholder(one))
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(told) as Instance
}

async function beginningOf(path: string): Promise<string> {
  await using file = await open(path, 'r')
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0)
  return buffer.toString('utf8', 0, bytesRead)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function valueAt(data: unknown, path: Path): string {
  let value = data
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return ''
    const members = value as Readonly<Record<string, unknown>>
    value = Object.hasOwn(members, name) ? members[name] : members[name.replaceAll('_', '-')]
  }
  return typeof value === 'string' ? value : ''
}
