import type { Finding } from '../bundle/schema.ts'

/** What matters most first: see "Findings" in bundle/BUNDLE.md. */
export function ranked(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => {
    const [first, second] = [weights(a), weights(b)]
    const differs = first.findIndex((weight, index) => weight !== second[index])
    return differs < 0 ? 0 : (first[differs] ?? 0) - (second[differs] ?? 0)
  })
}

/** Less is more important; the first that differs decides. */
function weights({ kind, certainty, boot, late, subject, at }: Finding): readonly number[] {
  const isNamed = subject.unit !== undefined || subject.exe !== undefined || subject.comm !== undefined
  return [
    Number(boot === 'earlier'),
    kind === 'healthy' ? 3 : kind === 'unknown' ? 2 : kind === 'panic' ? 0 : 1,
    Number(certainty === 'claimed'),
    // What made the host go comes before what happened while it went.
    Number(late ?? false),
    Number(!isNamed),
    -(at ?? 0),
  ]
}
