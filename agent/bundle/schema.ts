import { z } from 'zod'
import { BECAUSE, TRIGGERS, UNCHECKED } from '../words/evidence.ts'
import { FINGERPRINT } from '../words/fingerprint.ts'
import { IDENTITY } from '../words/identity.ts'
import { detailsSchema } from './details-schema.ts'
import { isBundleId, KINDS, STATUSES } from './keys.ts'

/**
 * The manifests and rows of a bundle as schemas: what BUNDLE.md says in words. The capture side takes only the types
 * from here (so that the resident daemon does not load zod for them); the operator side checks what it reads.
 */

const time = z.iso.datetime()
const bytes = z.number().int().nonnegative()
const ms = z.number().nonnegative()
const evidenceClass = z.enum(['open', 'text', 'memory'])
const source = z.string()

export const hostSchema = z.object({
  name: z.string(),
  machineId: z.string().optional(),
  bootId: z.string().optional(),
  kernel: z.string(),
  os: z.string().optional(),
  arch: z.string(),
  /** Of which image it was made: os-release(5), IMAGE_ID and IMAGE_VERSION. */
  image: z.string().optional(),
  /** Where a cloud runs it, as what, and which of its groups it belongs to. */
  zone: z.string().optional(),
  instanceType: z.string().optional(),
  group: z.string().optional(),
})

export const openingSchema = z.object({
  version: z.literal(1),
  identity: z.string().regex(IDENTITY),
  bundle: z.string().refine(isBundleId, 'not a bundle id'),
  host: hostSchema,
  trigger: z.enum(TRIGGERS),
  /** Of `previous-boot`: the boot that it is about, as far as that is known, and the bundle that was begun for its end and not closed. */
  about: z
    .object({ bootId: z.string().optional(), bundle: z.string().refine(isBundleId, 'not a bundle id').optional() })
    .optional(),
  /** What the settings say of the host. */
  labels: z.record(z.string(), z.string()).readonly().optional(),
  /** When it was asked for: by the trigger. */
  requested: time.optional(),
  started: time,
  /** When the capture must have ended, whatever has moved its deadline on the way. */
  deadline: time,
  partBytes: bytes,
  /** Public keys that can open the sealed objects; none: nothing is sealed. */
  recipients: z.array(z.string()).readonly(),
  /** Version of lastgasp. */
  agent: z.string(),
})

export const itemSchema = z.object({
  path: z.string().optional(),
  pid: z.number().optional(),
  comm: z.string().optional(),
  exe: z.string().optional(),
  unit: z.string().optional(),
  container: z.string().optional(),
  pod: z.string().optional(),
  namespace: z.string().optional(),
  containerName: z.string().optional(),
  package: z.string().optional(),
  uid: z.number().optional(),
  started: z.number().optional(),
  threads: z.number().optional(),
  signal: z.number().optional(),
  at: z.number().optional(),
  bootId: z.string().optional(),
  buildId: z.string().optional(),
  torn: z.number().optional(),
  claimed: z.boolean().optional(),
  holes: bytes.optional(),
  unchecked: z.enum(UNCHECKED).optional(),
  note: z.string().optional(),
})

/** Who or what is behind a receipt that is not complete. `limit`: a setting asks for no more, so nothing is amiss. */
export const becauseSchema = z.enum(BECAUSE)

export const plannedSchema = z.object({
  artifact: z.string(),
  source,
  class: evidenceClass,
  phase: z.enum(['facts', 'live', 'stored']),
  /** `if-trouble`: where something is wrong with the host, which is not known yet. */
  decision: z.enum(['take', 'degrade', 'skip', 'if-trouble']),
  /** Bytes that will be read at most: less than `bytes` when degraded. */
  limit: bytes,
  bytes,
  estimate: z.object({ bytesStored: bytes, ms }),
  reason: z.string().optional(),
})

export const planSchema = z.object({
  version: z.literal(1),
  bundle: z.string(),
  /** What the estimates assume, bytes per second. */
  rates: z.object({ read: bytes, store: bytes }),
  artifacts: z.array(plannedSchema).readonly(),
})

export const receiptSchema = z.object({
  /** Name below the bundle's prefix, without the seal's suffix; the source's name where there was no item. */
  artifact: z.string(),
  class: evidenceClass,
  source,
  status: z.enum(['complete', 'truncated', 'skipped', 'failed', 'absent']),
  reason: z.string().optional(),
  because: becauseSchema.optional(),
  item: itemSchema,
  /** Those that cannot be read cost nothing but themselves. */
  details: detailsSchema.optional().catch(undefined),
  encoding: z.enum(['frames', 'as-is']).optional(),
  sealed: z.boolean(),
  bytesIn: bytes,
  bytesStored: bytes,
  /** Of all stored bytes, segments one after the other. */
  sha256: z.string().optional(),
  /** The stored objects, in order, named below the bundle's prefix. */
  objects: z.array(z.object({ name: z.string(), bytes, sha256: z.string() })).readonly(),
  frames: z.number().int().optional(),
  ms,
  /** How long the process stood still for it; of several, the longest. */
  freezeMs: ms.optional(),
  /** What a skipped or degraded artifact would have needed. */
  needed: z.object({ bytesStored: bytes, ms }).optional(),
})

export const shutdownSchema = z.object({
  kind: z.enum(['poweroff', 'reboot', 'halt', 'kexec', 'soft-reboot', 'unknown']),
  /** What asked for it, in a sentence, as far as the host told in time. */
  by: z.string().optional(),
  /** It was announced, and then the host did not go down: the bundle is what had been taken by then. */
  cancelled: z.boolean().optional(),
})

/** Something that the evidence says went wrong; or that nothing did, or that this is not known. */
export const findingSchema = z.object({
  kind: z.enum(KINDS),
  /** Which rule says so, where that is finer than the kind: `pids`, `deadlock`, `oom-group`, or one of the image's builder. */
  rule: z.string().optional(),
  /** `certain`: the kernel or systemd says so. `likely`: what was found points to it. `claimed`: a user of the host says so. */
  certainty: z.enum(['certain', 'likely', 'claimed']),
  /** Which boot of the host it is about. */
  boot: z.enum(['this', 'earlier', 'unknown']),
  /** Who it is about, as far as that is known. */
  subject: z.object({
    unit: z.string().optional(),
    /** Path of the program. */
    exe: z.string().optional(),
    /** The program's name as the kernel has it. */
    comm: z.string().optional(),
    pid: z.number().optional(),
    /** The thread that was ended, where that is all that is known: of a process of one thread it is its pid. */
    tid: z.number().optional(),
    uid: z.number().optional(),
    container: z.string().optional(),
    pod: z.string().optional(),
    namespace: z.string().optional(),
    containerName: z.string().optional(),
  }),
  /** Signal number that ended it. */
  signal: z.number().optional(),
  /** When it happened: ms since the epoch. */
  at: z.number().optional(),
  /** It happened while the host went down: after the trigger. */
  late: z.boolean().optional(),
  /** How many processes, where they are not told one by one. */
  count: z.number().int().optional(),
  /** Of `oom`, who had grown most before it (bytes) and since when (ms since the epoch), where the host has a history. */
  grew: z
    .object({ unit: z.string().optional(), comm: z.string().optional(), from: bytes, to: bytes, since: z.number() })
    .optional(),
  /** Of a crash or a hang whose stack is told: what it has in common with those like it on other hosts. */
  fingerprint: z.string().regex(FINGERPRINT).optional(),
  /** In our own words: no text of the host but the names that are in `subject` too. */
  sentence: z.string(),
  /** Where it stands in the evidence: an artifact, and the entry within it. */
  evidence: z.array(z.object({ artifact: z.string(), entry: z.string().optional() })).readonly(),
})

export const manifestSchema = openingSchema.extend({
  /** `started` and `durationMs` later, whatever happened to the clock meanwhile. */
  ended: time,
  /** By the monotonic clock. */
  durationMs: ms,
  /** How long applications that were to be stopped were held for it. */
  heldMs: ms.optional(),
  status: z.enum(['complete', 'partial']),
  /** The kind of the first finding. */
  why: z.enum(KINDS),
  /** What matters most first. */
  findings: z.array(findingSchema).readonly(),
  shutdown: shutdownSchema.optional(),
  /** Milliseconds the store's clock was ahead of the host's. */
  clockSkewMs: z.number().optional(),
  /** What was wrong with the settings, one sentence each. */
  problems: z.array(z.string()).readonly(),
  receipts: z.array(receiptSchema).readonly(),
})

/** One flat row per bundle; snake_case because it is read by SQL. */
export const rowSchema = z.object({
  version: z.literal(1),
  identity: z.string(),
  bundle: z.string(),
  status: z.enum(STATUSES),
  why: z.enum(KINDS),
  /** Who the first finding is about. */
  why_unit: z.string().nullable(),
  why_exe: z.string().nullable(),
  /** Of that program, where its core says. */
  why_build_id: z.string().nullable(),
  /** The pod that it was in, as Kubernetes calls it, and which of its containers. */
  why_pod: z.string().nullable(),
  why_namespace: z.string().nullable(),
  why_container: z.string().nullable(),
  /** What its crash or hang has in common with others like it. */
  fingerprint: z.string().regex(FINGERPRINT).nullable(),
  host: z.string(),
  boot_id: z.string().nullable(),
  kernel: z.string(),
  os: z.string().nullable(),
  arch: z.string(),
  /** Labels of these names, else what the host says of itself. */
  image: z.string().nullable(),
  zone: z.string().nullable(),
  instance_type: z.string().nullable(),
  group: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  agent: z.string(),
  trigger: z.string(),
  /** Of `previous-boot`: the boot that all of this is about, and the bundle that was begun in it. */
  about_boot_id: z.string().nullable(),
  about_bundle: z.string().nullable(),
  shutdown_kind: z.string().nullable(),
  shutdown_by: z.string().nullable(),
  /** The host did not go down after all. */
  shutdown_cancelled: z.boolean(),
  requested_at: time.nullable(),
  started: time,
  /** Of a bundle that was not closed by its host nobody knows: this, and what else only a manifest tells, is null. */
  ended: time.nullable(),
  duration_ms: ms.nullable(),
  /** What it had, from `started` on. */
  deadline_ms: ms,
  held_ms: ms.nullable(),
  clock_skew_ms: z.number().nullable(),
  artifacts: z.number(),
  complete: z.number().nullable(),
  truncated: z.number(),
  skipped: z.number(),
  failed: z.number(),
  bytes_in: bytes.nullable(),
  bytes_stored: bytes,
  /** Writes that the store was asked for, were none tried twice; those of documents and index too. */
  requests: bytes,
  bytes_by_source: z.record(z.string(), bytes),
  requests_by_source: z.record(z.string(), bytes),
  /** Who is behind what is not complete: of several, who weighs most. */
  worst_because: becauseSchema.nullable(),
  sealed: z.boolean(),
  /** Of this boot, with a core or without. */
  crashes: z.number().nullable(),
  crash_exe: z.string().nullable(),
  crash_unit: z.string().nullable(),
  crash_signal: z.number().nullable(),
  /** Processes killed for want of memory in this boot. */
  oom_kills: z.number().nullable(),
  oom_exe: z.string().nullable(),
  oom_unit: z.string().nullable(),
  /** Processes that hung, where stacks were taken. */
  stuck: z.number().nullable(),
})

export type About = NonNullable<Opening['about']>
export type Host = z.infer<typeof hostSchema>
export type Opening = z.infer<typeof openingSchema>
export type PlannedArtifact = z.infer<typeof plannedSchema>
export type PlanDocument = z.infer<typeof planSchema>
export type Receipt = z.infer<typeof receiptSchema>
export type Finding = z.infer<typeof findingSchema>
export type Shutdown = z.infer<typeof shutdownSchema>
export type Manifest = z.infer<typeof manifestSchema>
export type Row = z.infer<typeof rowSchema>
