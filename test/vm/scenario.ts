import type { Suite } from '../../scripts/vm/base.ts'
import type { GuestFile } from '../../scripts/vm/disk.ts'
import type { Machine } from '../../scripts/vm/machine.ts'
import type { S3Server } from '../s3-server.ts'
import type { Bucket } from './bucket.ts'
import type { program } from './images.ts'
import type { Link } from './link.ts'
import type { Operator } from './operator.ts'

/** What is rare or long is tried too, and everything on every Debian that it is about. */
export const FULL = process.env.LASTGASP_FULL === '1'

/** Something that happens to a host, and what must come of it. Throws when it does not. */
export interface Scenario {
  readonly name: string
  /** Every Debian that it is about: all of them in the full run. */
  readonly suites: readonly Suite[]
  /** Those that take turns, a day each, in what runs with every change; on a day of rest others have the time. */
  readonly turns?: readonly (Suite | 'rest')[]
  /** What it takes on a machine with nothing else to do, where that is more than one. */
  readonly minutes?: number
  run(context: Context, signal: AbortSignal): Promise<void>
}

/** What a scenario has at hand; all of it is its own. */
export interface Context {
  readonly suite: Suite
  /** An empty directory. */
  readonly scratch: string
  readonly bucket: Bucket
  /** Where the bucket is. */
  readonly server: S3Server
  /** The way from the machine to the bucket. */
  readonly link: Link
  readonly operator: Operator
  /** A program of ./programs as it is in the image, with its symbols. */
  readonly program: typeof program
  /** Prints what has been reached. */
  step(what: string): void
  boot(options: HostOptions): Promise<Machine>
}

export interface HostOptions {
  /** Settings of the host (TOML), besides store and deadline. */
  readonly settings?: string
  /** Its store, when it is not the scenario's bucket. */
  readonly store?: string
  /** s; 60 where nothing is said. */
  readonly deadline?: number
  readonly secretKey?: string
  /** It has neither store nor credentials when it boots. */
  readonly bare?: boolean
  readonly files?: Readonly<Record<string, GuestFile>>
  readonly memoryMiB?: number
  /** 2 where nothing is said. */
  readonly processors?: number
  readonly root?: 'ro' | 'rw'
  /** Where its disk and what its firmware keeps lie: it is the machine that was booted with this before, if any. */
  readonly keep?: string
  /** A directory in which a machine was left (`Machine.save`): it goes on from there, and does not boot. */
  readonly saved?: string
}
