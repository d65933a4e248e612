/** What the recorder has seen, as the facts tell it: ../sources/facts/FACTS.md, "The history". */
export interface History {
  /** ms between two looks, and for how long they are kept, as the settings have it. */
  readonly interval: number
  readonly span: number
  /** The oldest first; the further back, the further apart. Never empty. */
  readonly samples: readonly Sample[]
  /** Whom the kernel has killed for want of memory meanwhile, the first first. */
  readonly kills: readonly Kill[]
}

/** One look at the host. */
export interface Sample {
  /** Which look it was, counted from the recorder's start. */
  readonly number: number
  /** ms since boot, by a clock that nobody sets. */
  readonly at: number
  /** ms since the epoch, by the host's clock as it was then. */
  readonly wall: number
  /** NaN for what could not be read. */
  readonly figures: Figures
  /** The disk that was busiest since the look before. */
  readonly disk: string | undefined
  /** The processes and services that stood out, as each was looked at last. */
  readonly top: readonly Seen[]
}

/** A process, or a service with all that is in it. */
export interface Who {
  /** Undefined for a service. */
  readonly pid?: number
  /** As the kernel has it: bytes that are no UTF-8 are shown as such. */
  readonly comm?: string
  /** The innermost service or scope, or the path of a container's group that is in none. */
  readonly unit?: string
}

export interface Seen {
  readonly who: Who
  /** KiB: of a process what is resident; of a service what its processes have allocated, without the files that are cached for it. */
  readonly memory: number
  /** KiB by which that has grown in ten minutes, or since it was first seen. */
  readonly grown: number
  /** Percent of one processor since the look before. */
  readonly cpu: number
  readonly threads: number
  /** Open descriptors. */
  readonly fds: number
}

/** A process that the kernel killed for want of memory. */
export interface Kill {
  /** ms since boot, and since the epoch. */
  readonly at: number
  readonly wall: number
  readonly who: Who
}

/**
 * The figures of a host, and how a row tells them. `is`: as it was at that moment; `rate`: by the second, since the row before; `events`: how
 * many since; `share`: percent of that time, of a count in µs.
 */
export const FIGURES = {
  // In clock ticks, so by the second: percent of one processor.
  ...{ cpu_user: 'rate', cpu_system: 'rate', cpu_iowait: 'rate', cpu_steal: 'rate', cpu_idle: 'rate' },
  ...{ running: 'is', blocked: 'is', tasks: 'is', forks: 'rate' },
  ...{ cpu_some: 'share', memory_some: 'share', memory_full: 'share', io_some: 'share', io_full: 'share' },
  ...{ available: 'is', free: 'is', anon: 'is', cached: 'is', shmem: 'is', slab_kept: 'is', dirty: 'is' },
  ...{ writeback: 'is', swap_used: 'is', swap_in: 'rate', swap_out: 'rate', major_faults: 'rate' },
  ...{ oom_kills: 'events', disk_read: 'rate', disk_written: 'rate', disk_busy: 'is' },
  ...{ net_in: 'rate', net_out: 'rate', net_drops: 'events', tcp_retransmits: 'events', listen_drops: 'events' },
  ...{ tcp_open: 'is', tcp_waiting: 'is', files_open: 'is', connections_tracked: 'is' },
} as const satisfies Readonly<Record<string, Told>>

export type Told = 'is' | 'rate' | 'events' | 'share'
export type Figures = Readonly<Record<keyof typeof FIGURES, number>>
