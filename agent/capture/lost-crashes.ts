import type { Finding, Receipt } from '../bundle/schema.ts'
import { isDeath } from '../findings/is-death.ts'

/** What is below this in a bundle are cores. */
const CORES = 'cores/'

/**
 * Receipts for what has died while the host went down and left nothing to take: that a core is missing is told, whoever says that there was a crash.
 * Those that have one, or a receipt of their own, are told there.
 */
export function lostCrashes(findings: readonly Finding[], receipts: readonly Receipt[]): readonly Receipt[] {
  const told = new Set(receipts.filter(({ source }) => source === 'cores').map(({ item }) => item.pid))
  return findings
    .filter((finding) => finding.late === true && isDeath(finding))
    .filter(({ evidence }) => !evidence.some(({ artifact }) => artifact.startsWith(CORES)))
    .filter(({ subject: { pid } }) => pid === undefined || !told.has(pid))
    .map(lost)
}

function lost({ kind, subject, signal, at, count }: Finding): Receipt {
  const { tid: _, ...who } = subject
  const many = count === undefined || count === 1 ? '' : ` (${count} processes)`
  const known = { ...who, ...(signal !== undefined && { signal }), ...(at !== undefined && { at }) }
  const nothing = { item: known, sealed: false, bytesIn: 0, bytesStored: 0, objects: [], ms: 0 } as const
  const of = { artifact: 'cores', class: 'memory', source: 'cores' } as const
  // Who is killed for want of memory leaves no core, ever.
  if (kind === 'oom') return { ...nothing, ...of, status: 'absent', reason: `killed for want of memory${many}` }
  const reason = `crashed while the host went down, and left no core that could be taken${many}`
  return { ...nothing, ...of, status: 'failed', reason, because: 'host' }
}
