import { formatBytes } from '../../words/units.ts'
import { PLACES, type Rule } from '../rule.ts'

/** Share of a file system below which nothing can be written that is worth it. */
const LEFT = 0.005
/** Bytes: with more than this left it is not full, however large it is. */
const ENOUGH = 64 * 1024 * 1024
/** Bytes: what is smaller is made to be full (credentials, a loader's partition). */
const SMALL = 4 * 1024 * 1024

export const space: Rule = {
  name: 'space',
  kind: 'exhausted',
  reason:
    'A file system that others than root can write no more to. Many a disk is 95 % full and well, so only what is left counts. The journal stops with it, so what follows is often not logged.',
  look: ({ fileSystems }) =>
    fileSystems
      .filter(({ size, available }) => size >= SMALL && available < Math.min(size * LEFT, ENOUGH))
      .map(({ path, size, available }) => ({
        certainty: available < size / 10_000 ? ('certain' as const) : ('likely' as const),
        sentence: `${path} is full: ${formatBytes(available)} of ${formatBytes(size)} are left.`,
        evidence: PLACES.mounts,
      })),
}
