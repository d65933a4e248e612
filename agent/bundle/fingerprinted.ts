import type { Finding, Receipt } from './schema.ts'

/** The findings, of which crashes and hangs have the fingerprint that the traces give them: of a crash by its core, or, where none lies on the host, by its process, as of a hang. */
export function fingerprinted(findings: readonly Finding[], receipts: readonly Receipt[]): readonly Finding[] {
  const prints = receipts.flatMap(({ details }) => (details?.source === 'traces' ? (details.fingerprints ?? []) : []))
  if (prints.length === 0) return findings
  const paths = new Map(receipts.map(({ artifact, item }) => [artifact, item.path]))
  return findings.map((finding) => {
    const { kind, rule, subject, evidence } = finding
    const cores = new Set(evidence.flatMap(({ artifact }) => paths.get(artifact) ?? []))
    const isOf = ({ of, path, pid }: (typeof prints)[number]) =>
      (of === 'crash' ? kind === 'crash' : rule === of) &&
      (path === undefined ? pid !== undefined && pid === subject.pid : cores.has(path))
    const print = prints.find(isOf)
    return print === undefined ? finding : { ...finding, fingerprint: print.fingerprint }
  })
}
