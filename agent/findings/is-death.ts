import type { Finding } from '../bundle/schema.ts'

/** Whether a finding is of processes that died, as witnesses tell of them, and not what a rule has seen. */
export const isDeath = ({ kind, rule }: Pick<Finding, 'kind' | 'rule'>): boolean =>
  (kind === 'crash' || kind === 'oom') && (rule === undefined || rule.startsWith('oom-'))
