import type { Finding } from '../../agent/bundle/schema.ts'

/** A finding in a few words: `exhausted pids greedy.service`. */
export const shortly = ({ kind, rule, subject }: Finding): string =>
  [kind, rule, subject.unit].filter(Boolean).join(' ')
