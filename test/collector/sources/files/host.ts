import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openSystem } from '../../../../agent/collector/host/ffi.ts'
import { filesSource } from '../../../../agent/collector/sources/files/source.ts'
import type { Found } from '../../../../agent/collector/sources/source.ts'
import { tarEntries } from '../../../../agent/operator/fetch/tar-entries.ts'
import { generateIdentity } from '../../../../agent/seal/keys.ts'
import { defaultSettings, type Settings } from '../../../../agent/settings/schema.ts'
import { contextOf, looked } from '../../looking.ts'
import { readAll, unhurried } from '../../reading.ts'

export const MIB = 1024 ** 2
export const HOUR = 3_600_000
const RECIPIENT = generateIdentity().recipient.text

export const source = filesSource(openSystem())

export type Asked = Partial<Settings['files']> & { readonly recipients?: readonly string[] }

/** The settings of a host that has a recipient, with these of its files. */
export function asking({ recipients = [RECIPIENT], ...files }: Asked = {}): Settings {
  const defaults = defaultSettings()
  return { ...defaults, files: { ...defaults.files, ...files }, seal: { ...defaults.seal, recipients } }
}

/** What the source lists of a host whose file system starts at `root`. */
export function look(root: string, asked: Asked = {}) {
  return looked(source, contextOf(root, asking(asked)))
}

/** Puts a file on a host, so many hours old. */
export function put(root: string, path: string, content: string | Buffer, hours = 0): string {
  const at = join(root, path)
  mkdirSync(dirname(at), { recursive: true })
  writeFileSync(at, content)
  const time = Date.now() / 1000 - hours * 3600
  utimesSync(at, time, time)
  return at
}

/** The entries of the tar of small files, by name, and what its source says of it. */
export async function smallFiles(found: Found | undefined, limit?: number) {
  const { content, outcome } = await readAll(found, limit)
  const entries = new Map<string, string>()
  async function* whole() {
    yield content
  }
  for await (const { name, content: chunks } of tarEntries(whole(), unhurried())) {
    entries.set(name, Buffer.concat(await Array.fromAsync(chunks())).toString('latin1'))
  }
  return { entries, outcome, content }
}

/** The table in it: a row for each path, by its columns. */
export function rowsOf(entries: ReadonlyMap<string, string>): Map<string, readonly string[]> {
  const lines = (entries.get('files.tsv') ?? '').trimEnd().split('\n').slice(1)
  return new Map(lines.map((line) => [line.split('\t')[0] ?? '', line.split('\t').slice(1)]))
}
