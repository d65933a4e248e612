import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { cannot, sentence } from '../../agent/words/cannot.ts'
import { run } from './run.ts'
import type { Architecture } from './runtime.ts'

/** Where the Node project publishes: a directory per version, each with a SHASUMS256.txt (nodejs.org/en/about/previous-releases). */
export const NODE_DISTRIBUTION = 'https://nodejs.org/dist'

/** What is published of a version, or why that could not be looked at. What is there and wrong is an error. */
export type Publication =
  | { readonly kind: 'not proven'; readonly because: string }
  | {
      readonly kind: 'published'
      readonly archive: string
      readonly archiveSha256: string
      /** Of the binary in the archive. */
      readonly sha256: string
      /** Fingerprint of the key that signed the sums; `not proven` where no keyring was given. */
      readonly signedBy: string
    }

export interface PublicationRequest {
  readonly base: string
  readonly version: string
  readonly arch: Architecture
  /** The release keys, a file for gpgv(1). */
  readonly keyring: string | undefined
}

const MIB = 1024 * 1024
/** SHASUMS256.txt has 4 KiB, its signature less; an archive 60 MiB, unpacked 220 MiB (26.10.0). */
const SUMS_BYTES = MIB
const ARCHIVE_BYTES = 256 * MIB
const UNPACKED_BYTES = 1024 * MIB

/** Derives the hash of a version's binary from what is published: sums, archive with the named sum, binary in it. */
export async function publishedRuntime(request: PublicationRequest, signal: AbortSignal): Promise<Publication> {
  const { version, arch, keyring } = request
  const base = `${trustworthy(request.base)}/v${version}`
  const name = `node-v${version}-linux-${arch}`
  const archive = `${name}.tar.gz`
  try {
    const sums = await fetched(`${base}/SHASUMS256.txt`, SUMS_BYTES, signal)
    const signature =
      keyring === undefined ? undefined : await fetched(`${base}/SHASUMS256.txt.sig`, SUMS_BYTES, signal)
    const signedBy =
      keyring === undefined || signature === undefined ? 'not proven' : await signer(sums, signature, keyring, signal)
    const archiveSha256 = sumOf(sums.toString(), archive)
    if (archiveSha256 === undefined) return { kind: 'not proven', because: `${base}/SHASUMS256.txt has no ${archive}` }
    const content = await fetched(`${base}/${archive}`, ARCHIVE_BYTES, signal)
    const found = createHash('sha256').update(content).digest('hex')
    if (found !== archiveSha256) {
      throw cannot(`trust ${base}/${archive}`, `its sha256 is ${found}, and SHASUMS256.txt says ${archiveSha256}`)
    }
    const sha256 = await hashInArchive(content, `${name}/bin/node`, signal)
    if (sha256 === undefined) throw cannot(`trust ${base}/${archive}`, `it has no ${name}/bin/node`)
    return { kind: 'published', archive, archiveSha256, sha256, signedBy }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof NotThere) return { kind: 'not proven', because: error.message }
    throw error
  }
}

/** Without TLS the sums are anybody's; only a server on this machine needs none. */
function trustworthy(base: string): string {
  const { protocol, hostname } = new URL(base)
  if (protocol === 'https:' || (protocol === 'http:' && hostname === '127.0.0.1')) return base.replace(/\/$/, '')
  throw cannot(`trust ${base}`, 'it is no https:// address')
}

/** What cannot be fetched proves nothing, for or against. */
class NotThere extends Error {}

async function fetched(url: string, limit: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    const response = await fetch(url, { signal })
    if (!response.ok || response.body === null) throw new Error(`the server answers ${response.status}`)
    for await (const chunk of response.body) {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (bytes > limit) throw new Error(`it has more than ${limit} bytes`)
    }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new NotThere(`cannot fetch ${url}: ${sentence(cause)}`)
  }
  return Buffer.concat(chunks, bytes)
}

/** Lines of sha256sum(1): the sum, two blanks, the name. */
function sumOf(sums: string, name: string): string | undefined {
  const line = sums.split('\n').find((each) => each.endsWith(`  ${name}`))
  return /^([0-9a-f]{64}) {2}\S+$/.exec(line ?? '')?.[1]
}

/** sha256 of one file in a .tar.gz; undefined where it is not in it. */
async function hashInArchive(content: Buffer, path: string, signal: AbortSignal): Promise<string | undefined> {
  const unpacking = extract()
  let bytes = 0
  const capped = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      done(bytes > UNPACKED_BYTES ? new Error(`it unpacks to more than ${UNPACKED_BYTES} bytes`) : null, chunk)
    },
  })
  const hashed = (async () => {
    let sha256: string | undefined
    for await (const entry of unpacking) {
      const hash = createHash('sha256')
      for await (const chunk of entry) hash.update(chunk as Buffer)
      if (entry.header.name === path && entry.header.type === 'file') sha256 = hash.digest('hex')
    }
    return sha256
  })()
  try {
    const unpacked = pipeline(Readable.from([content]), createGunzip(), capped, unpacking, { signal })
    return (await Promise.all([hashed, unpacked]))[0]
  } catch (error) {
    throw cannot(`unpack the archive of ${path}`, error)
  }
}

/** Fingerprint of the primary key whose signature gpgv(1) finds good; rejects where there is none. */
async function signer(sums: Buffer, signature: Buffer, keyring: string, signal: AbortSignal): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'runtime-hash-'))
  try {
    const [signed, sig] = [join(directory, 'sums'), join(directory, 'sums.sig')]
    await writeFile(signed, sums)
    await writeFile(sig, signature)
    const told = await run('gpgv', ['--status-fd', '1', '--keyring', keyring, sig, signed], signal)
    // doc/DETAILS of GnuPG: VALIDSIG, its last field is the primary key.
    const fingerprint = /^\[GNUPG:\] VALIDSIG .*?([0-9A-F]{40})$/m.exec(told)?.[1]
    if (fingerprint === undefined) throw new Error('gpgv names no key that signed it')
    return fingerprint
  } catch (error) {
    throw cannot('trust SHASUMS256.txt by its signature', error)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
