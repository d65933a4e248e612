import { PLACES, type Rule } from '../rule.ts'

/** Share in use from which on no more files can be made. */
const FULL = 0.995
/** Inodes: what has fewer is made to be full. */
const FEW = 256

export const inodes: Rule = {
  name: 'inodes',
  kind: 'exhausted',
  reason:
    'A file system with space and without inodes: making a file fails with “no space left”, and df shows space. Those that make inodes as they need them (btrfs, vfat) say that they have none, and are left aside.',
  look: ({ fileSystems }) =>
    fileSystems
      .filter(({ inodes, inodesUsed }) => inodes >= FEW && inodesUsed >= inodes * FULL)
      .map(({ path, inodes, inodesUsed }) => ({
        certainty: inodesUsed >= inodes ? ('certain' as const) : ('likely' as const),
        sentence: `${path} can hold no more files: ${inodesUsed} of ${inodes} inodes are in use.`,
        evidence: PLACES.mounts,
      })),
}
