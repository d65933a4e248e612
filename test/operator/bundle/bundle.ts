import { createHash } from 'node:crypto'
import { readdir, readFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { closingManifest, indexRow } from '../../../agent/bundle/closing.ts'
import {
  type BundleName,
  bundlePrefix,
  bundleTime,
  openKey,
  rowKey,
  SEALED_SUFFIX,
} from '../../../agent/bundle/keys.ts'
import { lasts } from '../../../agent/bundle/lasts.ts'
import type { Finding, Manifest, Opening, Receipt } from '../../../agent/bundle/schema.ts'
import { document } from '../../../agent/capture/open-bundle.ts'
import { coreDeath } from '../../../agent/findings/core-words.ts'
import { findingsOf } from '../../../agent/findings/findings.ts'
import type { Unseen } from '../../../agent/findings/seen.ts'
import { frames } from '../../../agent/frames/encode.ts'
import { parseRecipient, type Recipient } from '../../../agent/seal/keys.ts'
import { sealed } from '../../../agent/seal/seal.ts'
import { defaultSettings } from '../../../agent/settings/schema.ts'
import { openStore } from '../../../agent/store/open.ts'
import type { Store } from '../../../agent/store/store.ts'
import type { ItemIdentity } from '../../../agent/words/evidence.ts'
import { inParallel } from '../../../agent/words/in-parallel.ts'
import { bytesOf, inPieces } from '../../frames/streams.ts'
import { lent } from '../../streams/poisoned.ts'

const never = new AbortController().signal
/** Objects that are stored at a time: a disk takes some ms for each, whatever its size. */
const AT_A_TIME = 16

/** One artifact of a bundle to be built: what it holds, and what its receipt is to say otherwise than the truth. */
export interface Piece {
  readonly artifact: string
  readonly source: string
  readonly content: Buffer
  readonly encoding: 'frames' | 'as-is'
  readonly item?: Receipt['item']
  readonly details?: Receipt['details']
  readonly receipt?: Partial<Receipt>
  /** What becomes of the stored bytes before they are stored, unknown to the receipt. */
  readonly tamper?: (stored: Buffer) => Buffer
}

export interface BundlePlan {
  /** The directory of a directory store, or an open one. */
  readonly store: string | Store
  readonly name: BundleName
  readonly pieces?: readonly Piece[]
  /** Receipts of which nothing is stored. */
  readonly others?: readonly Receipt[]
  /** `age1…`; none: nothing is sealed. */
  readonly recipients?: readonly string[]
  /** `interrupted`: no manifest and no row. */
  readonly end?: 'closed' | 'interrupted'
  /** What the collector could not look at. */
  readonly unseen?: readonly Unseen[]
  /** What the manifest says otherwise. */
  readonly manifest?: Partial<Manifest>
}

export const MACHINE_ID = '0123456789abcdef0123456789abcdef'

/** Writes a bundle into a store, with real frames and seals, as a capture would. */
export async function buildBundle(plan: BundlePlan): Promise<Manifest> {
  const { name, recipients = [] } = plan
  const url = typeof plan.store === 'string' ? pathToFileURL(plan.store).href : ''
  const store = typeof plan.store === 'string' ? await openStore(url, defaultSettings().s3, never) : plan.store
  const put = (key: string, body: Buffer) => store.put(key, body, never)
  const prefix = bundlePrefix(name)
  const opening = openingOf(name, recipients)
  await put(`${prefix}opening.json`, document(opening))
  await put(openKey(name, lasts(opening)), Buffer.alloc(0))
  const keys = recipients.map(parseRecipient)
  const taken = await inParallel(plan.pieces ?? [], AT_A_TIME, async (piece) => {
    const stored = await storedBytes(piece, keys)
    const receipt = receiptOf(piece, stored, keys.length > 0)
    // Under its own name, whatever the receipt says of it.
    const name = piece.artifact + (keys.length > 0 ? SEALED_SUFFIX : '')
    await put(prefix + name, piece.tamper?.(stored) ?? stored)
    return receipt
  })
  const receipts = [...taken, ...(plan.others ?? [])]
  const end = { duration: 4000, shutdown: { kind: 'poweroff', by: 'systemctl' } as const }
  const manifest = {
    ...closingManifest(opening, {
      ...end,
      clockSkew: 12,
      problems: [],
      receipts,
      findings: findingsIn(receipts, plan),
    }),
    ...plan.manifest,
  }
  if (plan.end !== 'interrupted') {
    await put(`${prefix}manifest.json`, document(manifest))
    await put(rowKey(name, manifest.status, manifest.why), document(indexRow(manifest, name)))
  }
  if (typeof plan.store === 'string') await dated(plan.store, name.bundle)
  return manifest
}

/** Gives all files of a bundle the date at which they would have been written. */
export async function dated(store: string, bundle: string): Promise<void> {
  const at = new Date(bundleTime(bundle))
  for (const entry of await readdir(store, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && path.includes(bundle)) await utimes(path, at, at)
  }
}

/** What a capture would have found, had it seen nothing but these cores. */
function findingsIn(receipts: readonly Receipt[], { unseen = [] }: BundlePlan): readonly Finding[] {
  const cores = receipts.filter(({ source, artifact }) => source === 'cores' && artifact !== source)
  const deaths = cores.flatMap(
    ({ artifact, item }) => coreDeath({ name: artifact, identity: item as ItemIdentity }, undefined) ?? [],
  )
  return findingsOf({ deaths, unseen, kills: 0, began: Number.MAX_SAFE_INTEGER })
}

function openingOf({ identity, bundle }: BundleName, recipients: readonly string[]): Opening {
  const started = bundleTime(bundle)
  return {
    version: 1,
    identity,
    bundle,
    host: { name: 'web-7', machineId: MACHINE_ID, kernel: '6.12.0', os: 'Debian GNU/Linux 13', arch: 'x64' },
    trigger: 'shutdown',
    started: new Date(started).toISOString(),
    deadline: new Date(started + 90_000).toISOString(),
    partBytes: 8 * 1024 * 1024,
    recipients: [...recipients],
    agent: '0.0.1',
  }
}

export async function storedBytes({ content, encoding }: Piece, recipients: readonly Recipient[]): Promise<Buffer> {
  const chunks = lent(inPieces(content, 1_000_000))
  const encoded = encoding === 'frames' ? frames(chunks, {}, never).stored : chunks
  return await bytesOf(recipients.length > 0 ? sealed(encoded, recipients, never) : encoded)
}

function receiptOf(piece: Piece, stored: Buffer, isSealed: boolean): Receipt {
  const { artifact, source, content, encoding, item = {}, details } = piece
  const sha256 = createHash('sha256').update(stored).digest('hex')
  const name = artifact + (isSealed ? SEALED_SUFFIX : '')
  return {
    artifact,
    class: source === 'cores' ? 'memory' : 'text',
    source,
    status: 'complete',
    item,
    details,
    encoding,
    sealed: isSealed,
    bytesIn: content.length,
    bytesStored: stored.length,
    sha256,
    objects: [{ name, bytes: stored.length, sha256 }],
    ms: 12,
    ...piece.receipt,
  }
}

/** A receipt of which nothing is stored. */
export function bareReceipt(source: string, status: Receipt['status'], more: Partial<Receipt> = {}): Receipt {
  const nothing = { item: {}, sealed: false, bytesIn: 0, bytesStored: 0, objects: [], ms: 0 }
  return { artifact: source, class: source === 'cores' ? 'memory' : 'text', source, status, ...nothing, ...more }
}

/** Facts as a capture would have them: a tar of small files. */
export async function factsPiece(
  files: Readonly<Record<string, string>> = { 'summary.txt': 'it was the disk\n' },
): Promise<Piece> {
  return tarPiece(await tarOf(files))
}

/** A tar of small files. */
export async function tarOf(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content)
  tar.finalize()
  return await buffer(tar)
}

/** A tar as it is, as the facts of a bundle. */
export function tarPiece(content: Buffer): Piece {
  return { artifact: 'facts.tar.zst', source: 'facts', content, encoding: 'frames' }
}

/** Where systemd-coredump had the core of `corePiece`. */
export const CORE_PATH =
  '/var/lib/systemd/coredump/core.app.1000.fedcba9876543210fedcba9876543210.4711.1760238000000000.zst'

/** A core as systemd-coredump would have compressed it. `content` is stored as it is. */
export function corePiece(content: Buffer, more: Partial<Piece> = {}): Piece {
  const item = { path: CORE_PATH, exe: '/usr/bin/app', unit: 'app.service', signal: 11, pid: 4711, at: 1760238000000 }
  return { artifact: 'cores/app.4711.core.zst', source: 'cores', content, encoding: 'as-is', item, ...more }
}

/** An archived journal file of the fixtures, and where the host had it. */
export async function journalPiece(): Promise<Piece> {
  const fixtures = join(import.meta.dirname, '../../fixtures/journal')
  const stored = (await readdir(fixtures)).sort().find((name) => /^system@.*\.journal\.zst$/.test(name)) ?? ''
  const content = zstdDecompressSync(await readFile(join(fixtures, stored)))
  const item = { path: `/var/log/journal/${MACHINE_ID}/${stored.replace(/\.zst$/, '')}` }
  return { artifact: `journal/${stored}`, source: 'journal', content, encoding: 'frames', item }
}
