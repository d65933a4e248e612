import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { generateIdentity } from '../../agent/seal/keys.ts'
import { type Loaded, loadSettings, type SettingsFrom } from '../../agent/settings/layers.ts'

export const OLD_KEY = generateIdentity().recipient.text
export const NEW_KEY = generateIdentity().recipient.text

type Files = Readonly<Record<string, string | Buffer>>

/** A root directory with these files, by their place below it. */
export function host(t: Test, files: Files): string {
  const root = t.testdir({})
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  forOwnersOnly(root)
  return root
}

/** Whatever the umask is: what a group may write is no settings file. */
const forOwnersOnly = (path: string) => execFileSync('chmod', ['-R', 'g-w,o-w', path])

export function load(from: SettingsFrom): Promise<Loaded> {
  return loadSettings(from, AbortSignal.timeout(60_000))
}

/** A layer of the host. */
export const PLACE = 'etc/lastgasp/config.d/50-host.toml'

/** Loads settings with an image that opened everything, and a second layer that is broken; checks that memory closed. */
export async function closes(t: Test, root: string, wrong: RegExp, from: Partial<SettingsFrom> = {}): Promise<Loaded> {
  mkdirSync(join(root, 'usr/lib/lastgasp/config.d'), { recursive: true })
  const open = `store = "s3://image"\nseal = { unsealed = "allow", recipients = ["${OLD_KEY}"] }`
  writeFileSync(join(root, 'usr/lib/lastgasp/config.d/00-image.toml'), open)
  forOwnersOnly(join(root, 'usr'))
  const loaded = await load({ root, ...from })
  t.match(loaded.problems[0]?.message, wrong)
  t.equal(loaded.settings.store, 's3://image', 'the rest holds')
  t.equal(loaded.settings.seal.unsealed, 'deny')
  t.strictSame(loaded.settings.seal.recipients, [OLD_KEY], 'class text is still sealed')
  t.ok(loaded.settings.seal.broken?.startsWith(loaded.problems[0]?.message ?? '?'), 'and says which')
  t.equal(loaded.layers.filter(({ status }) => status === 'broken').length, 1)
  return loaded
}
