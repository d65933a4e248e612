import type { Finding, Receipt } from './schema.ts'

type Traces = Extract<NonNullable<Receipt['details']>, { readonly source: 'traces' }>
type Print = NonNullable<Traces['fingerprints']>[number]

/** ms that may lie between two words on one crash: as long as a core is written. A process id comes again in another boot, which takes longer. */
const SAME_CRASH_MS = 600_000

/**
 * The findings, of which crashes and hangs have the fingerprint that the traces give them: of a crash by its core, or where none lies on the host by its
 * process and time; of a hang by its process.
 */
export function fingerprinted(findings: readonly Finding[], receipts: readonly Receipt[]): readonly Finding[] {
  const prints = receipts.flatMap(({ details }) => (details?.source === 'traces' ? (details.fingerprints ?? []) : []))
  if (prints.length === 0) return findings
  const paths = new Map(receipts.map(({ artifact, item }) => [artifact, item.path]))
  return findings.map((finding) => {
    const cores = finding.evidence.flatMap(({ artifact }) => paths.get(artifact) ?? [])
    const print = finding.kind === 'crash' ? ofCrash(finding, prints, cores) : ofHang(finding, prints)
    return print === undefined ? finding : { ...finding, fingerprint: print.fingerprint }
  })
}

function ofCrash({ rule, subject, at }: Finding, prints: readonly Print[], cores: readonly string[]) {
  // The kernel's own faults are no process's.
  if (rule !== undefined) return undefined
  const crashes = prints.filter(({ of }) => of === 'crash')
  const byCore = crashes.find(({ path }) => path !== undefined && cores.includes(path))
  const isSame = (print: Print) =>
    subject.pid !== undefined && print.pid === subject.pid && Math.abs((print.at ?? NaN) - (at ?? NaN)) <= SAME_CRASH_MS
  return byCore ?? crashes.find(isSame)
}

function ofHang({ rule, subject: { pid } }: Finding, prints: readonly Print[]) {
  return prints.find((print) => print.of !== 'crash' && print.of === rule && pid !== undefined && print.pid === pid)
}
