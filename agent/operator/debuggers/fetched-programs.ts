import { mkdir, rm, symlink } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { Receipt } from '../../bundle/schema.ts'
import { placeBelow } from '../fetch/place.ts'
import { OPEN, placesOf } from './core-scripts.ts'
import { isPlain } from './operand.ts'

/** A program or library of the host that was fetched. */
export interface FetchedProgram {
  /** Named below the directory of the fetch. */
  readonly file: string
  /** As its receipt says, in hex: symbols.ts looks whether it is. */
  readonly buildId: string
}

/** Where they are found by build-id. */
export const BY_BUILD_ID = `${OPEN}/by-build-id`

/** A build-id is a hash, or any bytes that a linker was told: ld(1), --build-id. */
const BUILD_ID = /^[0-9a-f]{2,128}$/
/** Files that are linked to: ten times as many as a host sends. */
const MOST = 1_000

/** The programs and libraries among fetched files, by the receipts: several may have had one path on the host, and one of them has its place. */
export function fetchedPrograms(files: readonly string[], receipts: readonly Receipt[]): FetchedProgram[] {
  const here = new Set(files)
  // Without a manifest, the name of the artifact.
  const unnamed = files.flatMap((file): FetchedProgram[] => {
    const buildId = /^executables\/([^/]+)\/[^/]+$/.exec(file)?.[1] ?? ''
    return BUILD_ID.test(buildId) && isPlain(file) ? [{ file, buildId }] : []
  })
  const elsewhere = new Map(files.map((file) => [/^other\/\d+\/(.+)$/.exec(file)?.[1], file]))
  const named = receipts.flatMap((receipt): FetchedProgram[] => {
    const { source, item } = receipt
    if (source !== 'executables' || item.buildId === undefined || !BUILD_ID.test(item.buildId)) return []
    const places = placesOf(receipt)
    const file = places.find((name) => here.delete(name)) ?? elsewhere.get(places.at(-1))
    return file === undefined || !isPlain(file) ? [] : [{ file, buildId: item.buildId }]
  })
  return [...unnamed, ...named]
}

/** Makes them to be found by build-id. Symbolic links: each of them lies where the host had it. */
export async function linkByBuildId(directory: string, programs: readonly FetchedProgram[]): Promise<void> {
  const folder = posix.dirname(await placeBelow(directory, `${BY_BUILD_ID}/any`))
  await rm(folder, { recursive: true })
  await mkdir(folder, { mode: 0o700 })
  const links = new Map(programs.slice(0, MOST).map(({ file, buildId }) => [buildId, file]))
  for (const [buildId, file] of links) await symlink(`../../${file}`, join(folder, buildId))
}
