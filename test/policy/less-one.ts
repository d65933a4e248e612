import type { Policy } from '../../agent/policy/statement.ts'

/** Policies that each lack one action of one statement, or one resource of it; `without` says which. */
export function lessOne(policy: Policy, effect: 'Allow' | 'Deny'): { without: string; policy: Policy }[] {
  return policy.Statement.flatMap((statement, index) => {
    if (statement.Effect !== effect) return []
    return (['Action', 'Resource'] as const).flatMap((list) =>
      statement[list].map((lost) => {
        const less = { ...statement, [list]: statement[list].filter((one) => one !== lost) }
        const rest = policy.Statement.toSpliced(index, 1, ...(less[list].length === 0 ? [] : [less]))
        return { without: `${statement.Sid}: ${lost}`, policy: { ...policy, Statement: rest } }
      }),
    )
  })
}
