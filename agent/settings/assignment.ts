import { parse } from 'smol-toml'

/**
 * `table.key=value` from the command line as a TOML text. The value is TOML; where it is not and does not look like
 * it (no quote or bracket in front) it is text, because a shell takes quotes away: `deadline=5min`.
 */
export function assignmentText(assignment: string): string {
  const equals = assignment.indexOf('=')
  if (equals < 1) throw new Error('expected table.key=value, such as deadline=5min')
  const value = assignment.slice(equals + 1)
  if (isToml(assignment) || /^\s*["'[{]/.test(value)) return assignment
  return `${assignment.slice(0, equals)}=${JSON.stringify(value)}`
}

function isToml(text: string): boolean {
  try {
    parse(text)
    return true
  } catch {
    return false
  }
}
