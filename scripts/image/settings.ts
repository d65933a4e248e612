import { cp, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { loadSettings } from '../../agent/settings/layers.ts'
import type { Settings } from '../../agent/settings/schema.ts'
import { cannot } from '../../agent/words/cannot.ts'
import { type Entry, makeDirectories, place } from './place.ts'
import { resolved } from './root.ts'

const LAYERS = 'usr/lib/lastgasp/config.d'

/** The builder's own settings files as entries of the image. */
export async function settingsEntries(files: readonly string[], shipped: readonly Entry[]): Promise<Entry[]> {
  const taken = new Set(shipped.map(({ path }) => path))
  const entries: Entry[] = []
  for (const from of files) {
    const found = await stat(from).catch((error: NodeJS.ErrnoException) => {
      throw cannot(`read the settings file ${from}`, error.code === 'ENOENT' ? 'it does not exist' : error)
    })
    if (!found.isFile()) throw cannot(`read the settings file ${from}`, 'it is not a regular file')
    const path = `${LAYERS}/${basename(from)}`
    if (!path.endsWith('.toml')) throw cannot(`use ${from} as settings`, 'its name must end in .toml')
    if (taken.has(path)) throw cannot(`use ${from} as settings`, `there is a file of this name already: rename it`)
    taken.add(path)
    entries.push({ path, from })
  }
  return entries
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
    // Named as the builder knows them: a file by the path that was given, a layer of the image by its place there.
    const given = new Map(layers.map((entry) => [join(trial, entry.path), 'from' in entry ? entry.from : undefined]))
    const told = problems.map(({ path, message }) =>
      message.replace(path, () => given.get(path) ?? path.replace(trial, '')),
    )
    throw cannot(`bake into ${root}`, told.join('\n'))
  } finally {
    await rm(trial, { recursive: true, force: true })
  }
}
