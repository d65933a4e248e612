import { readFile } from 'node:fs/promises'
import type { InferredOptionTypes } from 'yargs'
import type { Place } from '../operator/salvage/plan.ts'
import { type Identity, parseIdentities } from '../seal/keys.ts'
import { loadSettings } from '../settings/layers.ts'
import type { Settings } from '../settings/schema.ts'
import { openArchive, openUploads } from '../store/open.ts'
import type { Archive } from '../store/store.ts'
import { cannot } from '../words/cannot.ts'
import { abandonable } from '../words/deadline.ts'
import { Ending, EXIT, type Io, say } from './io.ts'
import { namedStore } from './named-store.ts'
import { toldWaits } from './told-waits.ts'

/** Options that every command knows. */
export const globalOptions = {
  store: {
    type: 'string',
    requiresArg: true,
    describe: 'Where bundles are: s3://BUCKET/PREFIX or file:///PATH (else LASTGASP_STORE, else the settings)',
  },
  identity: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'File with age identities that open sealed objects; may be repeated (else LASTGASP_IDENTITY)',
  },
  set: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'A setting for this run: --set s3.region=eu-west-1',
  },
  output: { alias: 'o', choices: ['text', 'json'], default: 'text', describe: 'What to print' },
} as const

export type GlobalOptions = InferredOptionTypes<typeof globalOptions>

/** A store that was named, and how to talk to it. */
export interface StoreChoice {
  readonly url: string
  readonly s3: Settings['s3']
}

/** The store that the options, the environment or the settings name; `what` cannot be done without one. */
export async function storeOf(
  options: Pick<GlobalOptions, 'store' | 'set'>,
  what: string,
  io: Io,
): Promise<StoreChoice> {
  const named = namedStore(options.store, io.env)
  const { settings, problems } = await loadSettings({ root: '/', set: options.set ?? [] }, io.signal)
  const typed = problems.find(({ origin }) => origin === 'command line')
  if (typed !== undefined) throw new Ending(EXIT.usage, `cannot use ${typed.message}`)
  await say(
    io.stderr,
    problems.map(({ message }) => `lastgasp: left out of the settings: ${message}`),
  )
  const url = named?.url ?? settings.store
  if (url === undefined) {
    throw new Ending(
      EXIT.usage,
      `cannot ${what}: no store is named; give --store s3://BUCKET/PREFIX or set LASTGASP_STORE`,
    )
  }
  return { url, s3: settings.s3 }
}

/** Opens the store that the options, the environment or the settings name, for reading. */
export async function archiveOf(options: GlobalOptions, io: Io): Promise<Archive> {
  const { url, s3 } = await storeOf(options, 'read bundles', io)
  return toldWaits(await openArchive(url, s3, io.signal), io)
}

/** As `archiveOf`, with the store's unfinished uploads; `what` cannot be done without them. */
export async function placeOf(options: GlobalOptions, what: string, io: Io): Promise<Place & AsyncDisposable> {
  const { url, s3 } = await storeOf(options, what, io)
  const archive = toldWaits(await openArchive(url, s3, io.signal), io)
  const uploads = toldWaits(await openUploads(url, s3, io.signal), io)
  return {
    archive,
    uploads,
    [Symbol.asyncDispose]: async () => {
      await uploads[Symbol.asyncDispose]()
      await archive[Symbol.asyncDispose]()
    },
  }
}

/** The identities to open sealed objects with; none where nobody named a file. */
export async function identitiesOf(options: GlobalOptions, io: Io): Promise<Identity[]> {
  const files = options.identity ?? (io.env.LASTGASP_IDENTITY ? [io.env.LASTGASP_IDENTITY] : [])
  const identities = await Promise.all(
    files.map(async (file) => {
      try {
        // Abandoned, for readFile's own signal does not end the wait for a file that hangs.
        return parseIdentities(await abandonable(readFile(file, 'utf8'), io.signal))
      } catch (error) {
        throw cannot(`use the identity file ${file}`, error)
      }
    }),
  )
  return identities.flat()
}
