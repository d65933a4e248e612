import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { cannot } from '../../agent/cannot.ts'
import { loadSettings } from '../../agent/settings/layers.ts'
import type { Settings } from '../../agent/settings/schema.ts'
import { type Entry, makeDirectories, place } from './place.ts'
import { resolved } from './root.ts'

const LAYERS = 'usr/lib/lastgasp/config.d'

/** The builder's own settings files as entries of the image. */
export function settingsEntries(files: readonly string[], shipped: readonly Entry[]): Entry[] {
  const taken = new Set(shipped.map(({ path }) => path))
  return files.map((from) => {
    const path = `${LAYERS}/${basename(from)}`
    if (!path.endsWith('.toml')) throw cannot(`use ${from} as settings`, 'its name must end in .toml')
    if (taken.has(path)) throw cannot(`use ${from} as settings`, `there is a file of this name already: rename it`)
    taken.add(path)
    return { path, from }
  })
}

/**
 * The settings that the image will have, from `entries` and from layers that are in it already, but not those that are
 * `replaced`. Rejects on any problem: a broken layer is for the builder to mend, not for the host to live with.
 */
export async function imageSettings(
  root: string,
  entries: readonly Entry[],
  replaced: readonly string[],
  signal: AbortSignal,
): Promise<Settings> {
  const trial = await mkdtemp(join(tmpdir(), 'lastgasp-bake-'))
  try {
    for (const layers of [LAYERS, 'etc/lastgasp/config.d']) {
      const options = { recursive: true, verbatimSymlinks: true } as const
      await cp(await resolved(root, layers), join(trial, layers), options).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
    }
    for (const path of replaced) if (path.startsWith(LAYERS)) await rm(join(trial, path), { force: true })
    const layers = entries.filter(({ path }) => path.startsWith(LAYERS))
    await makeDirectories(
      trial,
      layers.map(({ path }) => path),
    )
    for (const entry of layers) await place(trial, entry, signal)
    const { settings, problems } = await loadSettings({ root: trial }, signal)
    if (problems.length === 0) return settings
    throw cannot(`bake into ${root}`, problems.map(({ message }) => message.replaceAll(trial, '')).join('\n'))
  } finally {
    await rm(trial, { recursive: true, force: true })
  }
}
