import type { Host } from '../../bundle/schema.ts'
import { carriedOver } from '../../settings/carry-over.ts'
import { type Loaded, loadSettings } from '../../settings/layers.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { describeHost } from './host.ts'
import { type Identity, identityOf } from './identity.ts'
import { readTrust, type Trust } from './trust.ts'

/** Where a capture finds its host and its settings. */
export interface ReadFrom {
  readonly root: string
  readonly set: readonly string[]
}

/** What the host is and wants, as its files say at one moment. */
export interface Reading {
  readonly loaded: Loaded
  readonly environment: Environment
  readonly trust: Trust
  readonly host: Host
  readonly identity: Identity
}

/** Reads all of it. Never rejects: what is wrong, or not read before `signal` ends, is told in its problems. */
export async function readStanding({ root, set }: ReadFrom, signal: AbortSignal): Promise<Reading> {
  const credentialsDirectory = process.env.CREDENTIALS_DIRECTORY
  const [loaded, environment, host] = await Promise.all([
    loadSettings({ root, credentialsDirectory, set }, signal),
    readEnvironment(root, signal),
    describeHost(root, signal),
  ])
  const [trust, identity] = await Promise.all([
    readTrust(environment.variables ?? new Map(), signal),
    identityOf(host, loaded.settings.identity, root, signal),
  ])
  return { loaded, environment, trust, host, identity }
}

/** A reading, with what the one before said in place of what could not be read this time. */
export function completed(reading: Reading, before: Reading): Reading {
  const loaded = carriedOver(reading.loaded, before.loaded)
  const { identity } = loaded.settings
  const { environment, trust } = reading
  return {
    ...reading,
    loaded,
    ...(identity !== undefined && { identity: { name: identity } }),
    environment: { ...environment, variables: environment.variables ?? before.environment.variables },
    trust:
      environment.variables === undefined
        ? before.trust
        : { ...trust, authorities: trust.authorities ?? before.trust.authorities },
  }
}

/** What is wrong, one sentence each, for a log and for the manifest. */
export function problemsOf({ loaded, environment, trust, identity }: Reading): readonly string[] {
  const settings = loaded.problems.map(({ message }) => message)
  const named = identity.problem === undefined ? [] : [identity.problem]
  return [...settings, ...environment.problems, ...trust.problems, ...named]
}
