import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { cannot } from '../../agent/words/cannot.ts'
import { resolved } from './root.ts'

/** Users of our units, each with a group of its own name: what sysusers.d(5) would make of units/usr/lib/sysusers.d. */
const USERS = [
  { name: 'lastgasp', says: 'lastgasp daemon', home: '/var/lib/lastgasp' },
  { name: 'lastgasp-collector', says: 'lastgasp collector', home: '/' },
] as const
type User = (typeof USERS)[number]

/** Databases of accounts, passwd(5), group(5), shadow(5), gshadow(5). Shadow ones are optional. */
const FILES = ['etc/passwd', 'etc/group', 'etc/shadow', 'etc/gshadow'] as const
/** Where images with an empty /etc keep what is theirs (nss-altfiles): ids there are taken too. */
const VENDOR_FILES = ['usr/lib/passwd', 'usr/lib/group']

/** System ids that are given out on demand: highest first, as sysusers.d(5) does. */
const [HIGHEST, LOWEST] = [999, 100]

export interface Account {
  /** The daemon's. undefined: the image has no etc/passwd, and systemd-sysusers will make the users at boot. */
  readonly uid: number | undefined
  /** Lines that were added, as `file:user`. */
  readonly added: readonly string[]
}

/** Adds our users and groups as a package manager would: an image whose /etc is read-only at boot has them too. */
export async function addAccounts(root: string): Promise<Account> {
  const texts = new Map<string, string>()
  for (const file of [...FILES, ...VENDOR_FILES]) {
    const text = await readFile(await resolved(root, file), 'utf8').catch(absent)
    if (text !== undefined) texts.set(file, text)
  }
  if (!texts.has('etc/passwd') || !texts.has('etc/group')) return { uid: undefined, added: [] }
  const additions: { readonly file: string; readonly name: string; readonly text: string }[] = []
  for (const user of USERS) {
    const lines = linesOf(user, texts)
    for (const file of FILES) {
      const before = texts.get(file)
      if (before === undefined || lineOf(before, user.name) !== undefined) continue
      const text = `${before === '' || before.endsWith('\n') ? '' : '\n'}${lines[file]}\n`
      texts.set(file, before + text)
      additions.push({ file, name: user.name, text })
    }
  }
  // In place: keeps owner, mode and labels.
  for (const { file, text } of additions) await appendFile(await resolved(root, file), text)
  const added = additions.map(({ file, name }) => `${file}:${name}`)
  return { uid: idOf(texts.get('etc/passwd') ?? '', USERS[0].name), added }
}

/** The lines of a user; its ids are those that it has already, or one that is free in all databases. */
function linesOf({ name, says, home }: User, texts: ReadonlyMap<string, string>) {
  const databases = [...texts].filter(([file]) => !file.endsWith('shadow')).map(([, text]) => text)
  const free = freeId(name, databases)
  const gid = idOf(texts.get('etc/group') ?? '', name) ?? free
  const uid = idOf(texts.get('etc/passwd') ?? '', name) ?? free
  return {
    'etc/passwd': `${name}:x:${uid}:${gid}:${says}:${home}:/usr/sbin/nologin`,
    'etc/group': `${name}:x:${gid}:`,
    // No password, and no date: the same image from the same inputs.
    'etc/shadow': `${name}:!*:::::::`,
    'etc/gshadow': `${name}:!*::`,
  } satisfies Readonly<Record<(typeof FILES)[number], string>>
}

/** Takes the lines out again that `addAccounts` says it has added. Bakes before there was a second user named files only. */
export async function removeAccounts(root: string, added: readonly string[]): Promise<void> {
  for (const each of added) {
    const [file = '', name = USERS[0].name] = each.split(':')
    const path = await resolved(root, file)
    const text = await readFile(path, 'utf8').catch(absent)
    if (text === undefined) continue
    const ours = lineOf(text, name)
    const rest = text.split('\n').filter((line) => line !== ours)
    await writeFile(path, rest.join('\n'))
  }
}

function lineOf(text: string, name: string): string | undefined {
  return text.split('\n').find((line) => line.startsWith(`${name}:`))
}

function idOf(text: string, name: string): number | undefined {
  const id = lineOf(text, name)?.split(':')[2]
  return id === undefined ? undefined : Number(id)
}

function freeId(name: string, databases: readonly string[]): number {
  const taken = new Set(
    databases.flatMap((text) => text.split('\n').map((line) => Number(line.split(':')[2] || Number.NaN))),
  )
  for (let id = HIGHEST; id >= LOWEST; id -= 1) if (!taken.has(id)) return id
  throw cannot(`add the user ${name}`, `all ids from ${LOWEST} to ${HIGHEST} are taken`)
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
