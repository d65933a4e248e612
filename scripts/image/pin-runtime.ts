import { cannot } from '../../agent/words/cannot.ts'
import type { Lock } from './packages.ts'
import { type Publication, publishedRuntime } from './published-runtime.ts'
import { type Architecture, packageOf, packedBinary } from './runtime.ts'
import { PINS, type RuntimePin, readPins, sha256Of, writePins } from './runtime-pin.ts'

export interface PinRequest {
  readonly checkout: string
  readonly lock: Lock
  readonly arch: Architecture
  /** Where the Node project publishes, and its release keys. */
  readonly base: string
  readonly keyring: string | undefined
}

/**
 * Pins the runtime of an architecture that package-lock.json names, by the hash of its binary, with as much proof as can
 * be had from here. Proof that a checkout has already is kept. Refuses a binary that is not the published one, and
 * another one for a version that is pinned: what a version is does not change.
 */
export async function pinRuntime(
  request: PinRequest,
  signal: AbortSignal,
): Promise<{ readonly pin: RuntimePin; readonly because: string | undefined }> {
  const { checkout, lock, arch } = request
  const { name, version, integrity } = packageOf(lock, arch)
  const sha256 = await sha256Of(await packedBinary(checkout, lock, arch, signal))
  const pins = await readPins(checkout)
  const before = pins.runtimes[arch]
  if (before.version === version && before.sha256 !== sha256) {
    throw cannot(
      `pin Node ${version} for ${arch}`,
      `${PINS} has ${before.sha256} for this version, and the binary of ${name} has ${sha256}`,
    )
  }
  const published = await publishedRuntime({ ...request, version }, signal)
  if (published.kind === 'published' && published.sha256 !== sha256) {
    throw cannot(
      `pin Node ${version} for ${arch}`,
      `the binary of ${name} has the sha256 ${sha256}, and the one in ${published.archive} has ${published.sha256}: ` +
        'this package is not what the Node project publishes',
    )
  }
  const known = before.sha256 === sha256 ? before.proven : false
  const pin = { version, sha256, from: { package: name, integrity }, proven: proofOf(published, known) }
  await writePins(checkout, { ...pins, runtimes: { ...pins.runtimes, [arch]: pin } })
  return { pin, because: published.kind === 'published' ? undefined : published.because }
}

/** What is known now, or was before; a signature that was checked once stays checked where there is no keyring. */
function proofOf(published: Publication, known: RuntimePin['proven']): RuntimePin['proven'] {
  if (published.kind === 'not proven') return known
  const { archive, archiveSha256, signedBy } = published
  const checked = known !== false && signedBy === 'not proven' ? known.signedBy : signedBy
  return { archive, sha256: archiveSha256, signedBy: checked }
}
