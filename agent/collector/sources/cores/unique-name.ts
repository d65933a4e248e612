/**
 * Characters of a label. A file's name has at most 255 bytes (NAME_MAX): with the copy's number, `.zst.age.001` and what a
 * directory store adds while it writes there is room to spare.
 */
const LABEL_LENGTH = 150
/** As much of it as is kept from its end: a pid, `.core`, `.crash`, a dump's stamp. */
const END_LENGTH = 50

/** `cores/<label><suffix>`, fit for a key and a file's name, and different from all `names` so far. */
export function uniqueName(label: string, suffix: string, names: Set<string>): string {
  const safe = shortened(label.replace(/[^A-Za-z0-9._-]/g, '_').replace(/^\./, '_'))
  for (let copy = 1; ; copy++) {
    const name = `cores/${copy === 1 ? safe : safe.replace(/(\.core)?$/, `-${copy}$1`)}${suffix || '.zst'}`
    if (names.has(name)) continue
    names.add(name)
    return name
  }
}

const shortened = (label: string) =>
  label.length <= LABEL_LENGTH ? label : `${label.slice(0, LABEL_LENGTH - END_LENGTH - 1)}_${label.slice(-END_LENGTH)}`
