import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { cannot } from '../../agent/cannot.ts'
import { resolved } from './root.ts'

/** The daemon's user and group have this name. */
const NAME = 'lastgasp'

/** Databases of accounts, passwd(5), group(5), shadow(5), gshadow(5). Shadow ones are optional. */
const FILES = ['etc/passwd', 'etc/group', 'etc/shadow', 'etc/gshadow'] as const
/** Where images with an empty /etc keep what is theirs (nss-altfiles): ids there are taken too. */
const VENDOR_FILES = ['usr/lib/passwd', 'usr/lib/group']

/** System ids that are given out on demand: highest first, as sysusers.d(5) does. */
const [HIGHEST, LOWEST] = [999, 100]

export interface Account {
  /** undefined: the image has no etc/passwd, and systemd-sysusers will make the user at boot. */
  readonly uid: number | undefined
  /** Files to which a line was added. */
  readonly added: readonly string[]
}

/** Adds the daemon's user and group as a package manager would: an image whose /etc is read-only at boot has them too. */
export async function addAccount(root: string): Promise<Account> {
  const texts = new Map<string, string>()
  for (const file of [...FILES, ...VENDOR_FILES]) {
    const text = await readFile(await resolved(root, file), 'utf8').catch(absent)
    if (text !== undefined) texts.set(file, text)
  }
  const [passwd, group] = [texts.get('etc/passwd'), texts.get('etc/group')]
  if (passwd === undefined || group === undefined) return { uid: undefined, added: [] }
  const free = freeId([...texts.entries()].filter(([file]) => !file.endsWith('shadow')).map(([, text]) => text))
  const gid = idOf(group) ?? free
  const uid = idOf(passwd) ?? free
  const lines: Readonly<Record<(typeof FILES)[number], string>> = {
    'etc/passwd': `${NAME}:x:${uid}:${gid}:lastgasp daemon:/var/lib/lastgasp:/usr/sbin/nologin`,
    'etc/group': `${NAME}:x:${gid}:`,
    // No password, and no date: the same image from the same inputs.
    'etc/shadow': `${NAME}:!*:::::::`,
    'etc/gshadow': `${NAME}:!*::`,
  }
  const added: string[] = []
  for (const file of FILES) {
    const text = texts.get(file)
    if (text === undefined || lineOf(text) !== undefined) continue
    const gap = text === '' || text.endsWith('\n') ? '' : '\n'
    // In place: keeps owner, mode and labels.
    await appendFile(await resolved(root, file), `${gap}${lines[file]}\n`)
    added.push(file)
  }
  return { uid, added }
}

/** Takes the lines out again that `addAccount` says it has added. */
export async function removeAccount(root: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const path = await resolved(root, file)
    const text = await readFile(path, 'utf8').catch(absent)
    if (text === undefined) continue
    const ours = lineOf(text)
    const rest = text.split('\n').filter((line) => line !== ours)
    await writeFile(path, rest.join('\n'))
  }
}

function lineOf(text: string): string | undefined {
  return text.split('\n').find((line) => line.startsWith(`${NAME}:`))
}

function idOf(text: string): number | undefined {
  const id = lineOf(text)?.split(':')[2]
  return id === undefined ? undefined : Number(id)
}

function freeId(databases: readonly string[]): number {
  const taken = new Set(
    databases.flatMap((text) => text.split('\n').map((line) => Number(line.split(':')[2] || Number.NaN))),
  )
  for (let id = HIGHEST; id >= LOWEST; id -= 1) if (!taken.has(id)) return id
  throw cannot(`add the user ${NAME}`, `all ids from ${LOWEST} to ${HIGHEST} are taken`)
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
