import { z } from 'zod'
import { LIMITED, LISTED, PAGES, PRINTED, STANDS } from '../words/details.ts'
import { FINGERPRINT } from '../words/fingerprint.ts'

/** The details of a receipt as a schema, by source; what each member means stands in words/details.ts. */

const text = z.string().optional()
const count = z.number().optional()
const flag = z.boolean().optional()
const bytes = z.number().int().nonnegative()
const list = <T extends z.ZodType>(element: T) => z.array(element).max(LISTED).readonly().optional()

const trouble = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('blocked'), comm: z.string(), tid: z.number(), wchan: text }),
  z.object({ kind: z.enum(['failed', 'stopping']) }),
  z.object({ kind: z.literal('killed'), comm: text, pid: count, count }),
  z.object({ kind: z.literal('short'), group: z.string(), percent: z.number() }),
  z.object({ kind: z.enum(['deadlock', 'spinning']), tid: z.number() }),
  z.object({ kind: z.literal('limit'), of: z.enum(LIMITED), used: z.number(), most: z.number() }),
])

const thread = z.object({
  ...{ pid: z.number(), comm: z.string(), unit: text, tid: z.number(), name: z.string() },
  ...{ stand: z.enum(STANDS), blocked: z.boolean(), wchan: text, call: text },
})

const gone = z.object({
  ...{ pid: z.number(), comm: z.string(), unit: text, pod: text, namespace: text, containerName: text },
})

const printed = z.object({
  ...{ of: z.enum(PRINTED), path: text, at: count, pid: count, fingerprint: z.string().regex(FINGERPRINT) },
})

export const detailsSchema = z.discriminatedUnion('source', [
  z.object({
    source: z.literal('facts'),
    processes: count,
    recorded: z.number().nonnegative().optional(),
    available: z.object({ from: bytes, least: bytes }).optional(),
    grew: list(z.object({ pid: count, comm: text, unit: text, grown: bytes, memory: bytes, killed: z.boolean() })),
    leftOut: list(z.object({ path: z.string(), reason: z.string(), times: z.number() })),
    leftOutKinds: count,
  }),
  z.object({
    source: z.literal('stacks'),
    processes: z.number(),
    ...{ looks: count, stuck: count, threads: list(thread), partial: count, narrow: count },
    ...{ gone: count, goneFirst: list(gone) },
  }),
  z.object({
    source: z.literal('traces'),
    ...{ processes: z.number(), crashed: z.number(), threads: count, frames: count, named: count },
    fingerprints: list(printed),
  }),
  z.object({
    source: z.literal('live'),
    trouble: trouble.optional(),
    by: z.enum(['ptrace', 'gdb']).optional(),
    ...{ missed: list(z.string()), beyond: count, late: count, ended: flag },
  }),
  z.object({
    source: z.literal('memory'),
    scope: text,
    costs: list(z.object({ scope: z.string(), bytes, ms: z.number().nonnegative() })),
    unfit: z.object({ scope: z.string(), bytes }).optional(),
    more: flag,
    whole: list(z.enum(PAGES)),
    ...{ pages: count, compared: count },
    torn: list(z.object({ of: z.enum(PAGES), pages: z.number() })),
    ...{ unread: bytes.optional(), kernel: text },
  }),
  z.object({ source: z.literal('executables'), comm: text, pid: count }),
  z.object({
    source: z.literal('journal'),
    entries: z.number(),
    ...{ from: count, to: count, open: text, headerBytes: bytes.optional() },
  }),
  z.object({
    source: z.literal('files'),
    ...{ count, first: list(z.object({ path: z.string(), bytes })), unread: count },
    ...{ size: bytes.optional(), from: bytes.optional(), to: bytes.optional(), older: flag },
    ...{ uid: count, gid: count, mode: count, modified: count, rotated: text },
  }),
  z.object({ source: z.literal('cores'), thread: count, unfinished: flag, handed: flag, unasked: text }),
])
