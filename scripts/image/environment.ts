import { chmod, chown, lstat, readFile } from 'node:fs/promises'
import { inside, resolved } from './root.ts'

/** What the daemon reads of credentials and proxies: agent/settings/SETTINGS.md. */
const FILE = 'etc/lastgasp/environment'
/** Root's, and the daemon reads it. */
const MODE = 0o640

/**
 * Gives the environment file of an image, where it has one, to root and the daemon's group: it holds credentials, and the daemon
 * reads it by itself. Who bakes without being root can give nothing away: then systemd-tmpfiles does it at boot.
 * A link is left alone: what it leads to is somebody else's.
 */
export async function protectEnvironment(root: string): Promise<void> {
  const path = await inside(root, FILE)
  const found = await lstat(path).catch(() => undefined)
  if (found?.isFile() !== true) return
  const groups = await readFile(await resolved(root, 'etc/group'), 'utf8').catch(() => '')
  const gid = /^lastgasp:[^:]*:(\d+):/m.exec(groups)?.[1]
  if (gid !== undefined && process.geteuid?.() === 0) await chown(path, 0, Number(gid))
  await chmod(path, MODE)
}
