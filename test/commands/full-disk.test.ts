import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { bomb, corePieceOf, MIB } from './attack.ts'
import { MAIN } from './lastgasp.ts'
import { setUp } from './set-up.ts'

const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0

t.test('a disk that fills up meanwhile', { skip: !canMount && 'needs user namespaces' }, async (t) => {
  const pieces = [corePieceOf('full', bomb(200 * MIB), undefined)]
  const scene = await setUp(t, { sealed: false, pieces })
  const script = `mount -t tmpfs -o size=64m none "$0" && cd "$0" && "$@"; echo "code $?"; stat -f -c 'free %a of %b' .`
  const command = [process.execPath, MAIN, 'fetch', 'latest', '--store', scene.url, '--to', 'gasp']
  const target = join(scene.directory, 'disk')
  await mkdir(target)
  const said = execFileSync('unshare', ['-rm', 'sh', '-c', script, target, ...command], { encoding: 'utf8' })
  t.match(said, /failed .*\n +cannot write below .* are free there, of which 3\.2MiB stay free/)
  t.match(said, 'code 1')
  const [, free, all] = /free (\d+) of (\d+)/.exec(said) ?? []
  t.ok(Number(free) > 0.05 * Number(all), 'and what was written of it is gone')
  t.strictSame(await readdir(target), [])
})
