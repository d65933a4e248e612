import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../agent/words/cannot.ts'
import { LICENCE, type Lock, packageName, shippedPackages } from './packages.ts'

/** Licences that somebody has read and found fit to be shipped with an image; SPDX identifiers. */
const KNOWN = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'] as const

/** The licence of what is shipped; refuses one that nobody has read. */
export function knownLicence(what: string, licence: unknown): string {
  const known = KNOWN.find((each) => each === licence)
  if (known !== undefined) return known
  throw cannot(
    `ship ${what}`,
    `its licence is ${licence === undefined ? 'not named' : JSON.stringify(licence)}, and known are ${KNOWN.join(', ')}: ` +
      'read it, and add it to scripts/image/licences.ts if it may be shipped',
  )
}

/**
 * The licences of the packages that are shipped, as one text: each licence once, below the packages that come under it.
 * `apache` is the text of that licence, for packages of it that bring none; another one without a text is refused.
 */
export async function packageLicences(checkout: string, lock: Lock, apache: string): Promise<string> {
  const under = new Map<string, string[]>()
  for (const path of shippedPackages(lock)) {
    const { version, license } = lock.packages[path] ?? {}
    const name = `${packageName(path)} ${version} (${license})`
    const files = (await readdir(join(checkout, path))).filter((file) => LICENCE.test(file)).toSorted()
    const texts = await Promise.all(files.map((file) => readFile(join(checkout, path, file), 'utf8')))
    if (texts.length === 0 && license !== 'Apache-2.0') {
      throw cannot(`ship ${name}`, `it brings no text of its licence: ${join(path, 'LICENSE')} is missing`)
    }
    for (const text of texts.length === 0 ? [apache] : texts) under.set(text, [...(under.get(text) ?? []), name])
  }
  return licenceFile(under)
}

const RULE = '='.repeat(80)

/** Texts with what comes under them. */
export function licenceFile(under: ReadonlyMap<string, readonly string[]>): string {
  const parts = [...under].map(([text, names]) => `${RULE}\n${names.join('\n')}\n${RULE}\n\n${text.trim()}\n`)
  return parts.join('\n\n')
}
