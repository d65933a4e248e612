import type { Suite } from '../../scripts/vm/base.ts'
import type { GuestFile } from '../../scripts/vm/disk.ts'
import type { Machine } from '../../scripts/vm/machine.ts'
import type { Bucket } from './bucket.ts'
import type { program } from './images.ts'
import type { Link } from './link.ts'
import type { Operator } from './operator.ts'

/** Something that happens to a host, and what must come of it. Throws when it does not. */
export interface Scenario {
  readonly name: string
  readonly suites: readonly Suite[]
  run(context: Context, signal: AbortSignal): Promise<void>
}

/** What a scenario has at hand; all of it is its own. */
export interface Context {
  readonly suite: Suite
  /** An empty directory. */
  readonly scratch: string
  readonly bucket: Bucket
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
  readonly files?: Readonly<Record<string, GuestFile>>
  readonly memoryMiB?: number
}
