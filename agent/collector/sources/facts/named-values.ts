import { isSecret } from './secret-shapes.ts'

/** What stands in place of a secret. */
export const HIDDEN = '***'

/** A value as languages quote it, also where the quotes themselves are quoted for a shell; or one without quotes. */
const QUOTED = String.raw`\\"(?:(?!\\").)*|"(?:[^"\\]|\\.)*|'(?:[^'\\]|\\.)*`
/** `"name": value` of JSON, Python and JavaScript; in braces also `name: value`, as YAML has it. */
const MEMBERS = [
  new RegExp(String.raw`(\\?["'](?<name>[\w.-]+)\\?["']\s*:\s*)(?<value>${QUOTED}|[^\s,}\]"'\\][^,}\]\n]*)`, 'gs'),
  new RegExp(String.raw`([{,]\s*(?<name>[\w.-]+)\s*:\s*)(?<value>${QUOTED}|[^\s,}"'\\][^,}\n]*)`, 'gs'),
]
/** `name = value` of a program or a settings file; without blanks it is a pair. */
const ASSIGNED = [
  new RegExp(
    String.raw`((?<![\w.-])(?<name>[A-Za-z_][\w.-]*)(?:\s+:?={1,3}\s*|\s*:?={1,3}\s+(?!--)|:=))(?<value>${QUOTED}|[^\s;,&"'\\]+)`,
    'gs',
  ),
]

/** A text in which the members of objects that have telling names are hidden. */
export function maskMembers(text: string): string {
  return text.includes(':') ? maskNamed(text, MEMBERS) : text
}

/** A text in which what is assigned to telling names is hidden. */
export function maskAssigned(text: string): string {
  return text.includes('=') ? maskNamed(text, ASSIGNED) : text
}

function maskNamed(text: string, shapes: readonly RegExp[]): string {
  const masked = (all: string, before: string, ...rest: unknown[]) => {
    const { name = '', value = '' } = rest.at(-1) as { name?: string; value?: string }
    const quote = /^\\?["']?/.exec(value)?.[0] ?? ''
    return isSecret(name, value.slice(quote.length)) ? before + quote + HIDDEN : all
  }
  return shapes.reduce((so, shape) => so.replace(shape, masked), text)
}
