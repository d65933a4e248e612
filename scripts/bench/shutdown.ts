import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../agent/words/cannot.ts'
import { baseTar } from '../vm/base.ts'
import { output } from '../vm/program.ts'

const CHECKOUT = join(import.meta.dirname, '../..')
const CACHE = join(CHECKOUT, '.cache/vm')
/** A container boots and goes down in a few seconds. */
const LIFE_MS = 120_000

/** How long a host took to go down, and its application to be told so, ms from `systemctl poweroff`. */
export interface Shutdown {
  readonly lastgasp: boolean
  readonly down: number
  readonly held: number
}

/**
 * Boots a Debian 12 in systemd-nspawn with nothing to capture but facts and a small journal, and shuts it down: in turns without and
 * with lastgasp, whose store is a directory of the container. Needs root.
 */
export async function shutdowns(rounds: number, signal: AbortSignal): Promise<readonly Shutdown[]> {
  const tar = await baseTar('bookworm', CACHE, signal)
  const scratch = await mkdtemp(join(CACHE, 'nspawn-'))
  try {
    const settings = join(scratch, 'store.toml')
    await writeFile(settings, 'store = "file:///srv/bundles"\n')
    const roots = { false: join(scratch, 'without'), true: join(scratch, 'with') }
    for (const root of Object.values(roots)) await prepare(tar, root, signal)
    await output(join(CHECKOUT, 'scripts/bake'), ['--root', roots.true, '--settings', settings], {}, signal)
    await output('chroot', [roots.true, 'install', '-d', '-o', 'lastgasp', '/srv/bundles'], {}, signal)
    const all: Shutdown[] = []
    for (let round = 0; round < rounds; round++)
      for (const lastgasp of [false, true]) all.push({ lastgasp, ...(await live(roots[`${lastgasp}`], signal)) })
    return all
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** A root with an application that notes when it is told to stop, and a unit that shuts the host down once it is up. */
async function prepare(tar: string, root: string, signal: AbortSignal): Promise<void> {
  await mkdir(root, { recursive: true })
  await output('tar', ['-C', root, '--numeric-owner', '-xf', tar], {}, signal)
  const units = join(root, 'etc/systemd/system')
  const note = (name: string) => `date +%%s.%%N > /${name}`
  await writeFile(
    join(units, 'app.service'),
    `[Service]\nExecStart=/bin/sh -c 'trap "${note('told')}; exit 0" TERM; while :; do sleep 0.05; done'\n`,
  )
  await writeFile(
    join(units, 'end.service'),
    `[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sh -c 'sleep 5; ${note('asked')}; systemctl --no-block poweroff'\n`,
  )
  await mkdir(join(root, 'var/log/journal'), { recursive: true })
  const wants = join(units, 'multi-user.target.wants')
  await mkdir(wants, { recursive: true })
  for (const unit of ['app.service', 'end.service']) await output('ln', ['-sf', `../${unit}`, wants], {}, signal)
}

async function live(root: string, signal: AbortSignal): Promise<{ down: number; held: number }> {
  const boot = `systemd-nspawn -q -D ${root} --private-network --register=no --keep-unit -b`
  // nspawn wants a terminal: script(1) gives it one.
  const child = spawn('script', ['-qefc', boot, '/dev/null'], { stdio: ['ignore', 'ignore', 'ignore'] })
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIFE_MS)])
  try {
    await once(child, 'exit', { signal: limit })
  } catch (error) {
    child.kill('SIGTERM')
    throw cannot(`boot ${root} in systemd-nspawn`, error)
  }
  const ended = Date.now()
  const at = async (name: string) => Number(await readFile(join(root, name), 'utf8')) * 1000
  const asked = await at('asked')
  return { down: ended - asked, held: (await at('told')) - asked }
}
