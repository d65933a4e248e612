import type { Selector } from '../../words/selector.ts'
import { type HostProcess, isDead } from './host-process.ts'

/** Which of a host's processes are patients. */
export interface Selection {
  readonly chosen: readonly HostProcess[]
  /** Why nothing, or not everything, was chosen that the selectors could have meant; one sentence each. */
  readonly reasons: readonly string[]
}

/**
 * The processes that any of the selectors means, each once, in the order of the selectors. Where no process is in a unit
 * (a container, a development machine) only `pid:` and `exe:` mean any: there nobody has said what a service is.
 * `troubled`: pids that `failed` means.
 */
export function select(
  processes: readonly HostProcess[],
  selectors: readonly Selector[],
  troubled: ReadonlyMap<number, unknown>,
): Selection {
  const alive = processes.filter((process) => !isDead(process))
  const services = hasUnits(alive) ? alive.filter(isService) : []
  const chosen = new Set(selectors.flatMap((selector) => meant(selector, alive, services, troubled)))
  return { chosen: [...chosen], reasons: reasonsFor(selectors, alive, services) }
}

function meant(
  selector: Selector,
  alive: readonly HostProcess[],
  services: readonly HostProcess[],
  troubled: ReadonlyMap<number, unknown>,
): readonly HostProcess[] {
  switch (selector.kind) {
    case 'services':
      return services
    case 'failed':
      return largestOfEach(services.filter(({ pid }) => troubled.has(pid)))
    case 'largest':
      return services
        .filter(({ pid }) => pid !== SYSTEMD)
        .toSorted((a, b) => b.memory - a.memory)
        .slice(0, selector.count)
    case 'unit':
      return services.filter(({ unit }) => unit !== undefined && selector.matches.test(unit))
    case 'pid':
      return alive.filter(({ pid }) => pid === selector.pid)
    case 'exe':
      // The kernel says so of a file that an upgrade has replaced.
      return alive.filter(({ exe }) => exe !== undefined && selector.matches.test(exe.replace(/ \(deleted\)$/, '')))
  }
}

/** Is stopping all the others: it stands still for its stacks, and for a full core only when it is named. */
const SYSTEMD = 1

/** Of a unit's processes in trouble: fifty workers that wait for the same dead disk tell one story, and the stacks have all of them. */
const SIBLINGS = 3

/** At most so many of each unit or container, by memory. */
function largestOfEach(processes: readonly HostProcess[]): readonly HostProcess[] {
  const groups = Map.groupBy(processes, ({ unit, container, cgroup }) => unit ?? container ?? cgroup)
  return [...groups.values()].flatMap((group) => group.toSorted((a, b) => b.memory - a.memory).slice(0, SIBLINGS))
}

/** Whether this host is run by units at all. */
function hasUnits(processes: readonly HostProcess[]): boolean {
  return processes.some(({ unit }) => unit !== undefined)
}

/** A container is one, too, under a cgroup driver that makes no scopes for it. */
function isService({ unit, container }: HostProcess): boolean {
  return unit !== undefined || container !== undefined
}

function reasonsFor(
  selectors: readonly Selector[],
  alive: readonly HostProcess[],
  services: readonly HostProcess[],
): readonly string[] {
  const byUnit = selectors.some(({ kind }) => kind !== 'pid' && kind !== 'exe')
  const none = byUnit && services.length === 0 ? ['no process is in a unit, and none is touched that is not named'] : []
  const pids = selectors.flatMap((selector) => (selector.kind === 'pid' ? [selector.pid] : []))
  const missing = pids.filter((pid) => !alive.some((process) => process.pid === pid))
  return [...none, ...missing.map((pid) => `there is no process ${pid}, or it is the kernel's or lastgasp's own`)]
}
