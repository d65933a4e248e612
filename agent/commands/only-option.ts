import type { BundleView } from '../operator/bundle/bundle-view.ts'
import { wanted } from '../operator/fetch/fetch-bundle.ts'
import { isWanted } from '../operator/fetch/wanted.ts'
import { CLASS_OF } from '../words/evidence.ts'
import { Ending, EXIT } from './io.ts'

/** The words of `--only journal,cores`; undefined where it was not given. */
export function onlyOf(chosen: string | undefined): readonly string[] | undefined {
  const words = chosen?.split(',').map((word) => word.trim())
  return words?.filter((word) => word !== '')
}

/** Before anything is made or downloaded: a word that means nothing is a mistake, and nothing to fetch an answer. */
export function checkOnly(view: BundleView, only: readonly string[] | undefined): void {
  if (only === undefined) return
  const kinds = Object.keys(CLASS_OF)
  const unknown = only.filter(
    (word) => !/[/.]/.test(word) && !kinds.includes(word) && wanted(view, [word]).length === 0,
  )
  if (unknown.length > 0 || only.length === 0) {
    const named = unknown.length > 0 ? unknown.join(', ') : 'nothing'
    throw new Ending(EXIT.usage, `cannot fetch ${named}: --only takes ${kinds.join(', ')}, or names of artifacts`)
  }
  if (wanted(view, only).length > 0) return
  const held = wanted(view, undefined).map(({ artifact, receipt }) => receipt?.source ?? artifact.split(/[/.]/, 1)[0])
  const has = held.length === 0 ? 'has no artifact' : `has: ${[...new Set(held)].join(', ')}`
  const told = (view.manifest?.receipts ?? [])
    .filter(({ artifact, source, reason }) => reason !== undefined && isWanted(only, artifact, source))
    .map(({ artifact, status, reason }) => `; ${artifact}: ${status}: ${reason}`)
  throw new Ending(EXIT.nothing, `cannot fetch ${only.join(', ')}: this bundle ${has}${told.slice(0, 3).join('')}`)
}
