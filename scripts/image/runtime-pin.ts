import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod/mini'
import { cannot } from '../../agent/words/cannot.ts'
import type { Architecture } from './runtime.ts'

/** In a checkout: the runtimes that may be baked, with what that rests on. The format is in ../BAKE.md. */
export const PINS = 'scripts/image/runtime-pins.json'

const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/))
const pin = z.strictObject({
  version: z.string(),
  /** Of the binary. */
  sha256,
  from: z.strictObject({ package: z.string(), integrity: z.string().check(z.regex(/^sha512-/)) }),
  /** What the Node project publishes has the same binary in it; false where that could not be looked at. */
  proven: z.union([
    z.literal(false),
    z.strictObject({ archive: z.string(), sha256, signedBy: z.union([z.literal('not proven'), z.string()]) }),
  ]),
})
const schema = z.strictObject({ format: z.literal(1), runtimes: z.strictObject({ x64: pin, arm64: pin }) })

export type RuntimePin = Readonly<z.infer<typeof pin>>
export type RuntimePins = Readonly<z.infer<typeof schema>>

/** The runtime of an image, once its hash was found to be the one that is wanted. */
export interface KnownRuntime {
  readonly sha256: string
  /** Where it is not the pinned one: the builder named it. */
  readonly pin: RuntimePin | undefined
}

/** The pins of a checkout. */
export async function readPins(checkout: string): Promise<RuntimePins> {
  const path = join(checkout, PINS)
  try {
    return z.parse(schema, JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw cannot(`read the pinned runtimes, ${path}`, error)
  }
}

/** Replaces the pins of a checkout. */
export async function writePins(checkout: string, pins: RuntimePins): Promise<void> {
  await writeFile(join(checkout, PINS), `${JSON.stringify(z.parse(schema, pins), null, 2)}\n`)
}

/**
 * Refuses a runtime that is not the pinned one: it runs as root on every host of the fleet. `own` is the sha256 of a
 * builder's own runtime, which is wanted in its place.
 */
export async function knownRuntime(
  checkout: string,
  arch: Architecture,
  binary: string,
  own?: string,
): Promise<KnownRuntime> {
  const found = await sha256Of(binary)
  if (own !== undefined) {
    if (found === own) return { sha256: found, pin: undefined }
    throw cannot(`trust the runtime ${binary}`, `its sha256 is ${found}, and --runtime-sha256 names ${own}`)
  }
  const pinned = (await readPins(checkout)).runtimes[arch]
  if (found === pinned.sha256) return { sha256: found, pin: pinned }
  throw cannot(
    `trust the runtime ${binary}`,
    `its sha256 is ${found}, and ${PINS} pins ${pinned.sha256} (Node ${pinned.version} for ${arch}): run npm ci and ` +
      'npm run build again; a runtime of your own is named with --runtime-sha256',
  )
}

/** In hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
