/** `cores/<label><suffix>`, fit for a key, and different from all `names` so far. */
export function uniqueName(label: string, suffix: string, names: Set<string>): string {
  const safe = label.replace(/[^A-Za-z0-9._-]/g, '_').replace(/^\./, '_')
  for (let copy = 1; ; copy++) {
    const name = `cores/${copy === 1 ? safe : safe.replace(/(\.core)?$/, `-${copy}$1`)}${suffix || '.zst'}`
    if (names.has(name)) continue
    names.add(name)
    return name
  }
}
