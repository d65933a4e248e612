/**
 * JSON for people: what fits into `width` columns stands on one line, so that a statement is seen at a glance. It parses
 * to the same value.
 */
export function layout(value: unknown, width = 80, indent = ''): string {
  const whole = JSON.stringify(value, undefined, 1).replaceAll(/\n */g, ' ')
  if (typeof value !== 'object' || value === null || indent.length + whole.length <= width) return whole
  const inner = `${indent}  `
  const list = Array.isArray(value)
  const items = list
    ? value.map((item) => layout(item, width, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${layout(item, width, inner)}`)
  return `${list ? '[' : '{'}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${list ? ']' : '}'}`
}
