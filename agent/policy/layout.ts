/**
 * JSON for people: what fits into `width` columns stands on one line, so that a statement is seen at a glance. It parses
 * to the same value. `before` is how many columns are taken already.
 */
export function layout(value: unknown, width = 80, indent = '', before = 0): string {
  const whole = JSON.stringify(value, undefined, 1).replaceAll(/\n */g, ' ')
  // One more for the comma that may follow.
  if (typeof value !== 'object' || value === null || before + whole.length < width) return whole
  const inner = `${indent}  `
  const item = (name: string, one: unknown) => inner + name + layout(one, width, inner, inner.length + name.length)
  const list = Array.isArray(value)
  const items = list
    ? value.map((one) => item('', one))
    : Object.entries(value).map(([key, one]) => item(`${JSON.stringify(key)}: `, one))
  return `${list ? '[' : '{'}\n${items.join(',\n')}\n${indent}${list ? ']' : '}'}`
}
