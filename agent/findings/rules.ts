import type { Rule } from './rule.ts'
import { blocked } from './rules/blocked.ts'
import { certificate } from './rules/certificate.ts'
import { clock } from './rules/clock.ts'
import { connections } from './rules/connections.ts'
import { deadlock } from './rules/deadlock.ts'
import { descriptors } from './rules/descriptors.ts'
import { disk } from './rules/disk.ts'
import { fileSystem } from './rules/file-system.ts'
import { flapping } from './rules/flapping.ts'
import { inodes } from './rules/inodes.ts'
import { lockup } from './rules/lockup.ts'
import { names } from './rules/names.ts'
import { network } from './rules/network.ts'
import { oops } from './rules/oops.ts'
import { pids } from './rules/pids.ts'
import { ports } from './rules/ports.ts'
import { space } from './rules/space.ts'
import { spinning } from './rules/spinning.ts'
import { unitFailed } from './rules/unit-failed.ts'

/**
 * All that can be wrong with a host but deaths of processes and panics, which several witnesses tell of (one-death.ts). In the order in which one explains the
 * other: a dead disk blocks who reads it, who has no descriptors fails, and a unit fails for any of it.
 */
export const RULES: readonly Rule[] = [
  ...[oops, disk, fileSystem, lockup, space, inodes, pids, descriptors, connections, ports],
  ...[blocked, deadlock, clock, network, names, certificate, spinning, flapping, unitFailed],
]
