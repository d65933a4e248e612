import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { newBundle } from '../../agent/bundle/keys.ts'
import { generateIdentity, recipientOf, secretText } from '../../agent/seal/keys.ts'
import { type BundlePlan, buildBundle } from '../operator/bundle/bundle.ts'
import { type Ended, lastgasp } from './lastgasp.ts'

export interface Scene {
  readonly directory: string
  readonly name: ReturnType<typeof newBundle>
  /** The store, as a directory and as a URL. */
  readonly store: string
  readonly url: string
  /** Where `fetch` fetches to. */
  readonly to: string
  /** Identity files: one that opens the bundle, one that does not. */
  readonly mine: string
  readonly other: string
  /** Runs a command on the one bundle that there is. */
  run(command: string, ...args: string[]): Promise<Ended>
  /** A file that was fetched. */
  here(path: string): Promise<Buffer>
}

/** A bundle in a directory store, sealed unless it shall not be, with a key that opens it and one that does not. */
export async function setUp(test: Test, plan: Partial<BundlePlan> & { sealed?: boolean } = {}): Promise<Scene> {
  const directory = test.testdir({ store: {} })
  const identities = [generateIdentity(), generateIdentity()] as const
  const [mine, other] = [join(directory, 'mine.txt'), join(directory, 'other.txt')]
  await writeFile(mine, `${secretText(identities[0])}\n`)
  await writeFile(other, `${secretText(identities[1])}\n`)
  const store = join(directory, 'store')
  const name = newBundle('web-7', Date.now() - 3_600_000)
  const recipients = plan.sealed === false ? [] : [recipientOf(identities[0]).text]
  await buildBundle({ store, name, recipients, ...plan })
  const url = pathToFileURL(store).href
  const to = join(directory, 'to')
  return {
    ...{ directory, name, store, url, to, mine, other },
    run: (command, ...args) => {
      const target = command === 'fetch' ? ['--to', to] : []
      return lastgasp([command, 'latest', '--store', url, ...target, ...args])
    },
    here: (path) => readFile(join(to, path)),
  }
}

/** The files below a directory, named from it, in order. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory())
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1)).sort()
}
