import { readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Settings } from '../../agent/settings/schema.ts'
import { cannot } from '../../agent/words/cannot.ts'
import { type Account, addAccounts, removeAccounts } from './account.ts'
import { declaredEntries } from './declared.ts'
import { dropIns, LIBRARY_DIRECTORY } from './drop-ins.ts'
import { protectEnvironment } from './environment.ts'
import { type BroughtLibrary, missingLibraries } from './libraries.ts'
import { type Entry, entriesBelow, makeDirectories, place } from './place.ts'
import { type BakeRecord, RECORD, readRecord, removePaths } from './record.ts'
import { examineRoot } from './root.ts'
import type { Architecture } from './runtime.ts'
import { type KnownRuntime, knownRuntime } from './runtime-pin.ts'
import { imageSettings, settingsEntries } from './settings.ts'

export interface BakeRequest {
  readonly root: string
  /** What the builder believes it to be; the image itself is asked in any case. */
  readonly arch: Architecture | undefined
  /** The builder's settings, TOML files. */
  readonly settings: readonly string[]
  /** sha256 of a runtime of the builder's own in dist/<arch>, which is wanted in place of the pinned one. */
  readonly runtime?: string | undefined
  /** Has dist/<arch> from scripts/build.ts, and units/. */
  readonly checkout: string
}

export interface Baked {
  readonly version: string
  readonly arch: Architecture
  readonly files: number
  readonly bytes: number
  readonly settings: Settings
  readonly libraries: readonly BroughtLibrary[]
  /** Names of those of which no licence could be put beside them. */
  readonly unlicensed: readonly string[]
  readonly account: Account
  readonly runtime: KnownRuntime
}

/**
 * Installs lastgasp into the root directory of an image. The result follows from the request and the image alone, so
 * it can be repeated; what an earlier bake left and this one does not is removed. Nothing is changed before all is judged.
 */
export async function bake(request: BakeRequest, signal: AbortSignal): Promise<Baked> {
  const root = await realpath(request.root).catch(() => request.root)
  const arch = await examineRoot(root)
  if (request.arch !== undefined && request.arch !== arch) {
    throw cannot(`bake for ${request.arch}`, `${root} is an image for ${arch}`)
  }
  const dist = join(request.checkout, 'dist', arch)
  const shipped = await entriesBelow(dist).catch((error) => {
    throw cannot(`read ${dist} (make it with: npm run build -- --arch ${arch})`, error)
  })
  const units = await entriesBelow(join(request.checkout, 'units'))
  const drops = await settingsEntries(request.settings, units)
  const before = await readRecord(root)
  const settings = await imageSettings(root, [...units, ...drops], before?.files ?? [], signal)
  const binary = join(dist, 'usr/lib/lastgasp/bin/node')
  const runtime = await knownRuntime(request.checkout, arch, binary, request.runtime)
  const libraries = await missingLibraries(root, binary, arch)

  const declared = await declaredEntries(request.checkout, { arch, runtime, brought: libraries }, signal)

  const facts = { deadline: settings.deadline, holdWait: settings.hold.wait, store: settings.store }
  const entries: Entry[] = [
    ...shipped,
    ...units,
    ...drops,
    ...declared.entries,
    ...libraries.map(({ name, from }) => ({ path: `${LIBRARY_DIRECTORY.slice(1)}/${name}`, from })),
    ...Object.entries(dropIns({ ...facts, libraries: libraries.length > 0 })).map(([unit, text]) => ({
      path: `usr/lib/systemd/system/${unit}.d/90-lastgasp.conf`,
      text,
    })),
    { path: 'usr/bin/lastgasp', text: launcher(libraries.length > 0), executable: true },
  ]
  const { version } = JSON.parse(await readFile(join(dist, 'usr/lib/lastgasp/package.json'), 'utf8')) as {
    version: string
  }
  const account = await install(root, entries, { version, arch, before }, signal)
  const { unlicensed } = declared
  const bytes = await sizeOf(entries)
  return { version, arch, settings, libraries, unlicensed, account, runtime, files: entries.length, bytes }
}

async function install(
  root: string,
  entries: readonly Entry[],
  { version, arch, before }: { version: string; arch: Architecture; before: BakeRecord | undefined },
  signal: AbortSignal,
): Promise<Account> {
  const files = [...entries.map(({ path }) => path), RECORD].toSorted()
  const directories = [...new Set([...(before?.directories ?? []), ...(await makeDirectories(root, files))])].toSorted()
  const gone = (before?.files ?? []).filter((path) => !files.includes(path))
  const account = await addAccounts(root)
  const added = [...new Set([...(before?.account ?? []), ...account.added])]
  const record = (all: readonly string[]): Entry => {
    const content: BakeRecord = { format: 1, version, arch, files: [...all], directories, account: added }
    return { path: RECORD, text: `${JSON.stringify(content, null, 1)}\n` }
  }
  // Also before the first file, so that a bake that was cut off can be repeated or removed.
  await place(root, record([...files, ...gone]), signal)
  for (const entry of entries) await place(root, entry, signal)
  await removePaths(root, gone, directories)
  await protectEnvironment(root)
  await place(root, record(files), signal)
  return account
}

/** Takes everything out again that a bake has put into the image. Gives the version it was. */
export async function unbake(given: string): Promise<string> {
  const root = await realpath(given).catch(() => given)
  const record = await readRecord(root)
  if (record === undefined) throw cannot(`remove lastgasp from ${root}`, `it has no ${RECORD}`)
  await removeAccounts(root, record.account)
  await removePaths(root, record.files, record.directories)
  return record.version
}

function launcher(libraries: boolean): string {
  const environment = libraries ? `LD_LIBRARY_PATH=${LIBRARY_DIRECTORY} ` : ''
  const node = '/usr/lib/lastgasp/bin/node --disable-warning=ExperimentalWarning /usr/lib/lastgasp/agent/main.js'
  return `#!/bin/sh\n${environment}exec ${node} "$@"\n`
}

async function sizeOf(entries: readonly Entry[]): Promise<number> {
  const sizes = entries.map(async (entry) => ('from' in entry ? (await stat(entry.from)).size : 0))
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
