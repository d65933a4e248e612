import type { Why } from '../bundle/keys.ts'
import type { Finding } from '../bundle/schema.ts'
import type { Evidence, Who } from './evidence.ts'

/** What a rule has seen: becomes a finding of the rule's kind. */
export interface Sign {
  /** `certain`: the kernel or systemd says so. `likely`: numbers or a program's words point to it. */
  readonly certainty: 'certain' | 'likely'
  readonly subject?: Who
  /** ms since the epoch */
  readonly at?: number
  readonly count?: number
  /** In our own words: of the host's there are names in it alone. */
  readonly sentence: string
  /** Where it stands in the bundle. */
  readonly evidence: Finding['evidence']
}

/** One thing that can be wrong with a host, and how it is told from others. */
export interface Rule {
  /** Finer than the kind: `pids`, `flapping`. */
  readonly name: string
  readonly kind: Exclude<Why, 'healthy' | 'unknown'>
  /** Why these signs mean that, and what they are not to be taken for. */
  readonly reason: string
  readonly look: (evidence: Evidence) => readonly Sign[]
}

const inFacts = (entry: string): Finding['evidence'] => [{ artifact: 'facts.tar.zst', entry }]

/** Places in a bundle that rules name. */
export const PLACES = {
  kernel: inFacts('kernel-log.txt'),
  processes: inFacts('processes.tsv'),
  groups: inFacts('cgroups.tsv'),
  mounts: inFacts('mounts.tsv'),
  blocked: inFacts('blocked-tasks.txt'),
  files: inFacts('proc/sys/fs/file-nr'),
  connections: inFacts('proc/sys/net/netfilter/nf_conntrack_count'),
  sockets: inFacts('proc/net/sockstat'),
  load: inFacts('proc/loadavg'),
  journal: [{ artifact: 'journal' }],
} as const
