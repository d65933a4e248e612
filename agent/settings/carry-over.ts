import type { Table } from './check.ts'
import type { Layer, Loaded } from './layers.ts'
import type { Settings } from './schema.ts'

/**
 * Settings of which a broken layer goes on saying what it said in the reading before, so that a slip of the pen in one file does
 * not leave a host without its store. What is broken stays told, and class `memory` closed.
 */
export function carriedOver(now: Loaded, before: Loaded): Loaded {
  const ranks = now.layers.map((layer, rank) => ({ ...layer, rank })).filter(({ status }) => status === 'broken')
  const settings: Record<string, unknown> = { ...now.settings }
  const provenance = new Map(now.provenance)
  for (const [key, path] of before.provenance) {
    const rank = ranks.findLast((layer) => speaksFor(layer, path))?.rank
    if (rank === undefined || rankOf(now, key) > rank) continue
    const [table = '', name] = key.split('.')
    const value = before.settings[table as keyof Settings]
    settings[table] = name === undefined ? value : { ...(settings[table] as Table), [name]: (value as Table)[name] }
    provenance.set(key, path)
  }
  const { broken, unsealed } = now.settings.seal
  const merged = settings as unknown as Settings
  return { ...now, settings: { ...merged, seal: { ...merged.seal, broken, unsealed } }, provenance }
}

/** Whether a layer is at fault for what a file said: it is that file, or the directory in which it cannot be found. */
function speaksFor(layer: Layer, path: string): boolean {
  return layer.path === path || path.startsWith(`${layer.path}/`)
}

/** How strong the layer is that sets a key now; -1 where none does. */
function rankOf({ provenance, layers }: Loaded, key: string): number {
  const path = provenance.get(key)
  return path === undefined ? -1 : layers.findLastIndex((layer) => layer.path === path)
}
