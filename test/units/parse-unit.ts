/** Values of each key of a unit file in order, whatever section it is in: no key of ours is in two. */
export type Unit = Readonly<Record<string, readonly string[]>>

/** systemd.syntax(7), as far as our units use it: no continued lines. */
export function parseUnit(text: string): Unit {
  const unit: Record<string, string[]> = {}
  for (const line of text.split('\n')) {
    if (line === '' || /^[#;[]/.test(line)) continue
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (key === undefined || value === undefined) throw new Error(`no assignment: ${line}`)
    unit[key] = [...(unit[key] ?? []), value]
  }
  return unit
}
