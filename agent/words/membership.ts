import { shownName } from './host-name.ts'

/** What the cgroup of a process says of it. */
export interface Membership {
  /** Path below the hierarchy's root, a character for each byte; `/` where nobody made groups. */
  readonly cgroup: string
  /** The innermost systemd service or scope. */
  readonly unit?: string
  /** Id of the container, 64 hex digits. */
  readonly container?: string
}

/**
 * A container's own group, by the names that Docker, containerd, CRI-O and Podman give it under either cgroup driver:
 * `docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`, `libpod-ID.scope`, `kubepods-….slice:cri-containerd:ID`,
 * `ID`. Their monitor (`crio-conmon-ID.scope`) is no container.
 */
const CONTAINER = /^(?!.*conmon)(?:.*[-:])?([0-9a-f]{64})(?:\.scope)?$/

/**
 * Reads /proc/PID/cgroup (cgroups(7)): the group of version 2, or systemd's own hierarchy where version 2 is not used
 * for services. The text has a character for each byte. Undefined for text that is none.
 */
export function parseMembership(text: string): Membership | undefined {
  const unified = /^0::(\/.*)$/m.exec(text)?.[1]
  const named = /^\d+:name=systemd:(\/.*)$/m.exec(text)?.[1]
  const path = unified === undefined || (unified === '/' && named !== undefined) ? named : unified
  if (path === undefined) return undefined
  // The kernel says so of a group that was removed while processes were in it.
  const cgroup = path.replace(/ \(deleted\)$/, '')
  const parts = cgroup.split('/')
  const unit = parts.findLast((part) => /\.(service|scope)$/.test(part))
  const container = parts
    .map((part) => CONTAINER.exec(part)?.[1])
    .filter((id) => id !== undefined)
    .at(-1)
  return { cgroup, ...(unit !== undefined && { unit: shownName(unit) }), ...(container !== undefined && { container }) }
}

/** The same of a cgroup's path alone, as UTF-8 text. */
export function membershipOf(path: string): Partial<Membership> {
  return parseMembership(`0::${Buffer.from(path).toString('latin1')}`) ?? {}
}
